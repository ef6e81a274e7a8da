//! Over ws-framer. As its README does: a frame with an error is dropped, and the connection goes on.

use crate::{HOST, Line, PATH};
use ws_framer::{CLOSE_NO_STATUS, WsFrame, WsRxFramer, WsTxFramer};

fn connect<L: Line>(line: &mut L, rx: &mut WsRxFramer<'_>, tx: &mut WsTxFramer<'_>) -> Option<()> {
    line.write(tx.http_upgrade_request(HOST, PATH, &[])?);
    let accept = tx.accept_key();
    loop {
        let n = line.read(rx.read_buf());
        if n == 0 {
            return None;
        }
        rx.advance(n);
        if let Some(response) = rx.http_response() {
            return response.ok()?.is_websocket_accepted(&accept).then_some(());
        }
    }
}

fn talk<L: Line>(line: &mut L, rx: &mut WsRxFramer<'_>, tx: &mut WsTxFramer<'_>) {
    loop {
        while let Some(frame) = rx.next_frame() {
            let (answer, is_over) = match frame {
                Ok(frame @ (WsFrame::Text(_) | WsFrame::Binary(_))) => (tx.frame(frame), false),
                Ok(WsFrame::Ping(data)) => (tx.pong(data), false),
                Ok(WsFrame::Close(code, _)) => (tx.close(if code == CLOSE_NO_STATUS { 1000 } else { code }, ""), true),
                Ok(WsFrame::Pong(_)) | Err(_) => (None, false),
            };
            if let Some(answer) = answer {
                line.write(answer);
            }
            if is_over {
                return;
            }
        }
        match line.read(rx.read_buf()) {
            0 => return,
            n => rx.advance(n),
        }
    }
}

pub fn client<const CONNECTS: bool, L: Line>(line: &mut L) {
    let (mut received, mut sent) = ([0; 512], [0; 512]);
    let (mut rx, mut tx) = (WsRxFramer::new(&mut received), WsTxFramer::new(true, &mut sent));
    if CONNECTS && connect(line, &mut rx, &mut tx).is_none() {
        return;
    }
    talk(line, &mut rx, &mut tx);
}

#[cfg(not(target_os = "none"))]
pub fn server<L: Line>(line: &mut L) {
    talk(line, &mut WsRxFramer::new(&mut [0; 512]), &mut WsTxFramer::new(false, &mut [0; 512]));
}
