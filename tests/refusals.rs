//! Bad input: an error that names object, place, reason and remedy, the documented exit code, no
//! panic, nothing written over.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

mod refusals {
    mod files;
    mod settings;
    mod texts;

    use std::fs;
    use std::path::PathBuf;
    use std::process::Output;

    use crate::common::{plugin, run};

    /// A folder for one refusal, and files in it.
    struct Case {
        dir: tempfile::TempDir,
    }

    impl Case {
        fn new(files: &[(&str, &str)]) -> Case {
            let dir = tempfile::tempdir().unwrap();
            for (name, text) in files {
                fs::write(dir.path().join(name), text).unwrap();
            }
            Case { dir }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        /// `booth run` on the simulator, with further arguments; `@` stands for the folder.
        fn run(&self, args: &[&str]) -> Output {
            let mut command = run::booth();
            plugin().apply(&mut command);
            command
                .args(["run", "--board", "sim", "--data"])
                .arg(self.path("data"));
            let folder = self.dir.path().to_str().unwrap();
            command.args(args.iter().map(|arg| arg.replace('@', folder)));
            command.output().unwrap()
        }
    }

    #[track_caller]
    fn refused(output: &Output, code: i32, words: &[&str]) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        // The program has a sentence of its own.
        assert!(!said.contains("ALSA lib"), "{said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is not in: {said}");
        }
    }
}
