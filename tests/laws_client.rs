//! The laws of the fuzz targets of the client, over generated calls and servers, and over all that ever broke one of them.

#[path = "laws_client/mod.rs"]
mod laws;

use proptest::{collection::vec, prelude::*};

proptest! {
    #[test]
    fn a_client_under_any_calls_keeps_its_promises(data in vec(any::<u8>(), 0..400)) {
        laws::client_operations(&data);
    }

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut(kind in 160..=255_u8, data in vec(any::<u8>(), 0..200)) {
        laws::client_operations(&[&[kind], &data[..]].concat());
    }

    #[test]
    fn a_session_bears_any_server(data in vec(any::<u8>(), 0..400)) {
        laws::hostile_server(&data);
    }
}

/// The seeds of the fuzz targets, and what ever broke one of them.
#[test]
fn seeds_and_past_findings_hold() {
    type Law = (&'static str, fn(&[u8]));
    let laws: [Law; 2] = [("client_operations", laws::client_operations), ("hostile_server", laws::hostile_server)];
    for (target, law) in laws {
        let files = std::fs::read_dir(format!("fuzz/seeds/{target}")).unwrap();
        assert!(files.map(|file| law(&std::fs::read(file.unwrap().path()).unwrap())).count() > 0, "{target}");
    }
}
