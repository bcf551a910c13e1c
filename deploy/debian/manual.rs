//! Writes the manual pages and the shell completions of the package, out of the command grammar.
//!
//! `cargo run --example manual -- FOLDER` makes FOLDER/man and FOLDER/completions.

use std::fs;
use std::io;
use std::path::Path;

use clap_complete::Shell;

/// What every page says after the options; deploy/doc/scripts.md is its source.
const FURTHER: &str = "\
.SH FILES
.TP
/etc/booth/booth.toml
The box: board, microphones, text, privacy.
.TP
/etc/booth/protocol/NAME.toml
Experiments of your own; vibravox and exhibition are built in.
.TP
/var/lib/booth
The recordings, and the keys that are sealed to the operator.
.SH EXIT STATUS
.TP
0
Done.
.TP
1
It could not be done; standard error names the object and the reason.
.TP
2
Wrong usage or configuration.
.TP
3
Done, with faults that are written down; every file is valid.
";

fn main() -> io::Result<()> {
    let Some(folder) = std::env::args_os().nth(1) else {
        return Err(io::Error::other("say into which folder"));
    };
    let folder = Path::new(&folder);
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completions)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut booth::cli::grammar(), "booth", &completions)?;
    }
    // `help` repeats what has a page of its own.
    let grammar = booth::cli::grammar()
        .disable_help_subcommand(true)
        .mut_subcommands(|command| command.disable_help_subcommand(true));
    clap_mangen::generate_to(grammar, &man)?;
    for page in fs::read_dir(&man)? {
        let page = page?.path();
        let text = fs::read_to_string(&page)?;
        fs::write(&page, text + FURTHER)?;
    }
    Ok(())
}
