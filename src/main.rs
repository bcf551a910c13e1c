//! Arguments -> command -> exit code.

use std::process::ExitCode;

use booth::rt::Wiping;

/// So that what was said does not stay in memory that libraries give back.
#[global_allocator]
static ALLOCATOR: Wiping = Wiping;

fn main() -> ExitCode {
    booth::rt::forbid_core_dumps();
    booth::rt::survive_file_limits();
    booth::cli::main()
}
