//! A disk without a byte of room left: who asks to be forgotten is.

use std::fs::{self, File};
use std::io::Write;
use std::process::Command;

use crate::common::lab::{Lab, said};

/// A tmpfs as the lab's data folder, which wants root.
struct Small<'a>(&'a Lab);

impl Small<'_> {
    fn mount(lab: &Lab) -> Small<'_> {
        fs::create_dir_all(lab.data()).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]);
        let mounted = mount.arg(lab.data()).status().unwrap().success();
        assert!(mounted, "a tmpfs can be mounted (as root)");
        Small(lab)
    }

    fn fill(&self) {
        let mut file = File::create(self.0.data().join("corpus/others.txt")).unwrap();
        let full = (0..).find_map(|_| file.write_all(&[b'x'; 512]).err());
        assert_eq!(full.unwrap().kind(), std::io::ErrorKind::StorageFull);
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.data()).status();
    }
}

#[test]
fn a_full_disk_takes_a_tombstone() {
    let lab = Lab::new();
    let disk = Small::mount(&lab);
    fs::create_dir_all(lab.data().join("corpus")).unwrap();
    let (first, second) = (lab.enroll(), lab.enroll());
    disk.fill();
    let input = r#"{"name": "Nobody"}"#;
    let refused = lab.booth(&["enroll", "--json"], input);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    for person in [first, second] {
        let told = lab.done(&["forget"], &format!("{}\n", person.code));
        assert!(told.ends_with("forgotten\n"), "{told}");
        assert!(
            !lab.data()
                .join("keys")
                .join(format!("{}.age", person.session))
                .exists()
        );
    }
}
