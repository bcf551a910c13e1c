//! Who was here, known to nobody: withdrawal codes and the public names they give sessions.

pub mod code;
