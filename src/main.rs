//! Parses, starts, and turns the result into an exit code.

use std::{
    env,
    io::{self, IsTerminal},
    process,
};

use disband_batch::{
    commands,
    exit::ExitCode,
    settings::{self, Environment},
};

fn main() -> process::ExitCode {
    let env = Environment::of_process();
    let invocation = settings::read(env::args_os(), &env, io::stdin().is_terminal());
    let exit = match invocation.and_then(commands::start) {
        Ok(exit) => exit,
        Err(error) => match error.tell(&mut io::stderr()) {
            Ok(()) => error.exit(),
            // Help or an error that nobody can be told.
            Err(_) => ExitCode::Usage,
        },
    };
    exit.into()
}
