//! Each call may be dropped at each await point: nothing is lost, doubled or torn.

mod support;

use sansocket_tokio::websocket::{Acceptor, CloseCode, Config, Connector, Message, Role, WebSocket, from_upgraded};
use std::time::Duration;
use support::{Dice, Result, Slow, bare, pair, polls};
use tokio::{
    io::{AsyncWriteExt, duplex},
    sync::mpsc,
    time::sleep,
};

fn slow_pair(seed: u64) -> (WebSocket, WebSocket) {
    let (near, far) = duplex(300);
    let config = Config::new();
    (
        from_upgraded(Slow::new(near, seed), Role::Client, &config),
        from_upgraded(Slow::new(far, seed + 1), Role::Server, &config),
    )
}

fn numbered(n: u32, dice: &mut Dice) -> Message {
    let size = [0, 10, 500, 6000][dice.roll(4) as usize];
    Message::from([&n.to_be_bytes()[..], &vec![n as u8; size]].concat())
}

/// A message whose `feed` was dropped was sent as a whole or not at all; one that was accepted arrives once, in order.
#[tokio::test]
async fn calls_are_dropped_at_every_await_point() -> Result {
    for seed in 0..60 {
        let (mut client, mut server) = slow_pair(seed);
        let (mut dice, mut other) = (Dice(seed), Dice(seed + 1000));
        let mut accepted = Vec::new();
        let mut seen = Vec::new();
        for n in 0..30 {
            let message = numbered(n, &mut dice);
            let is_accepted = polls(dice.roll(4), client.feed(message.clone())).await.transpose()?.is_some();
            accepted.push((message, is_accepted));
            let _ = polls(dice.roll(4), client.flush()).await.transpose()?;
            for _ in 0..other.roll(8) {
                if let Some(message) = polls(other.roll(4), server.next()).await.transpose()? {
                    seen.push(message.ok_or("closed")?);
                }
            }
        }
        let (closed, rest) = tokio::join!(
            async {
                client.flush().await?;
                client.close().await
            },
            async {
                let mut rest = Vec::new();
                while let Some(message) = server.next().await? {
                    rest.push(message);
                }
                Result::Ok(rest)
            }
        );
        assert!(closed?.is_clean);
        seen.extend(rest?);
        let mut seen = seen.into_iter().peekable();
        for (message, is_accepted) in accepted {
            let has_arrived = seen.next_if_eq(&message).is_some();
            assert!(has_arrived || !is_accepted, "seed {seed}: a message was lost");
        }
        assert_eq!(seen.next(), None, "seed {seed}: a message came twice, or torn");
    }
    Ok(())
}

#[tokio::test]
async fn next_beside_other_work_in_select() -> Result {
    let (mut client, mut server) = pair(50).await?;
    let (news, mut heard) = mpsc::channel(1);
    tokio::spawn(async move {
        for n in 0..200 {
            let _ = news.send(format!("news {n}")).await;
            tokio::task::yield_now().await;
        }
    });
    let sending = tokio::spawn(async move {
        let mut got = 0;
        for n in 0..200_u32 {
            client.send(vec![n as u8; n as usize * 10]).await?;
            while let Ok(message) = tokio::time::timeout(Duration::ZERO, client.next()).await {
                got += usize::from(message?.is_some());
            }
        }
        while got < 200 {
            got += usize::from(client.next().await?.is_some());
        }
        client.close().await?;
        Result::Ok(())
    });
    let (mut got, mut told) = (0_u32, 0);
    loop {
        tokio::select! {
            message = server.next() => match message? {
                Some(message) => {
                    assert!(message == Message::from(vec![got as u8; got as usize * 10]), "{got}");
                    got += 1;
                }
                None => break,
            },
            Some(text) = heard.recv() => {
                told += 1;
                server.send(text).await?;
            }
            () = sleep(Duration::from_micros(50)) => {}
        }
    }
    assert_eq!((got, told), (200, 200));
    sending.await?
}

/// `close` drops what arrives. When it was dropped itself, `next` does not return the rest of a message whose beginning it has dropped.
#[tokio::test]
async fn no_half_message_behind_a_dropped_close() -> Result {
    for is_split in [false, true] {
        let (mut ws, mut peer) = bare(Role::Client, 4096, &Config::new());
        peer.write_all(b"\x82\x06first ").await?;
        peer.write_all(b"\x82\x06abc").await?;
        assert!(polls(3, ws.close()).await.is_none());
        peer.write_all(b"def\x81\x04more\x88\x02\x03\xe8").await?;
        if is_split {
            let (_sender, mut receiver) = ws.split();
            assert_eq!(receiver.next().await?, None);
        } else {
            assert_eq!(ws.next().await?, None);
        }
    }
    // A close that was refused drops nothing.
    let (mut ws, mut peer) = bare(Role::Client, 4096, &Config::new());
    peer.write_all(b"\x82\x06abc").await?;
    assert!(polls(1, ws.next()).await.is_none());
    assert!(ws.close_with(CloseCode(1006), "").await.is_err());
    peer.write_all(b"def").await?;
    assert_eq!(ws.next().await?, Some(b"abcdef".into()));
    Ok(())
}

/// Slow streams change nothing in the handshake either.
#[tokio::test]
async fn handshakes_over_streams_that_give_few_bytes_at_a_time() -> Result {
    for seed in 0..50 {
        let (near, far) = duplex(64);
        let (connector, acceptor) = (Connector::new("ws://server").protocols(["a"]), Acceptor::new().protocols(["a"]));
        let (client, server) =
            tokio::join!(connector.connect_over(Slow::new(near, seed)), acceptor.accept(Slow::new(far, seed + 1)));
        let (mut client, mut server) = (client?, server?);
        let (sent, received) = tokio::join!(client.send("hello"), server.next());
        sent?;
        assert_eq!((received?, server.protocol()), (Some("hello".into()), Some("a")));
    }
    Ok(())
}
