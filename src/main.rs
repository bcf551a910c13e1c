//! Arguments -> command -> exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    booth::rt::forbid_core_dumps();
    booth::rt::survive_file_limits();
    booth::cli::main()
}
