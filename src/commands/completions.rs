//! `completions`: what a shell needs to complete our options.

use clap_complete::Shell;

use crate::cli::{self, NAME};

/// The shell's script.
pub(super) fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(|c| c), NAME, &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_learns_our_options() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = String::from_utf8(script(shell)).unwrap();
            assert!(script.contains("max-outage"), "{shell}");
        }
    }
}
