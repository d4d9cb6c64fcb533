//! Each setting and where it came from, for `disband-batch config`.

use super::{
    credential,
    environment::Environment,
    layers::{self, Layer, Layered},
    state_dir,
};

/// One setting as a person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The option's name.
    pub name: String,
    /// Its value, escaped; only `set` for a secret; none where it is not set.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: String,
}

/// All settings, in the order of the help.
pub(super) fn all(layered: &Layered, env: &Environment) -> Vec<Shown> {
    let mut shown: Vec<Shown> = layers::options()
        .into_iter()
        .map(|option| of_option(layered, env, &option.name))
        .collect();
    for name in ["secret-key", "usersig"] {
        let variable = layers::variable(name);
        let is_set = env.get(&variable).is_some();
        shown.push(Shown {
            name: name.into(),
            value: is_set.then(|| "set".into()),
            origin: if is_set { variable } else { "default".into() },
        });
    }
    shown
}

fn of_option(layered: &Layered, env: &Environment, name: &str) -> Shown {
    let yes = layers::variable("yes");
    match (layered.layer(name), env.get(&yes)) {
        (Layer::Default, Some(given)) if name == "yes" => Shown {
            name: name.into(),
            value: Some(given.to_string_lossy().escape_debug().to_string()),
            origin: yes,
        },
        (Layer::Default, _) => Shown {
            name: name.into(),
            value: value(layered, env, name),
            origin: "default".into(),
        },
        _ => Shown {
            name: name.into(),
            value: value(layered, env, name),
            origin: layered.place(name),
        },
    }
}

fn value(layered: &Layered, env: &Environment, name: &str) -> Option<String> {
    match name {
        "secret-key-file" => layered
            .cli
            .app
            .secret_key_file
            .as_deref()
            .map(credential::shown),
        "usersig-file" => layered
            .cli
            .app
            .usersig_file
            .as_deref()
            .map(credential::shown),
        "state-dir" => state_dir(layered, env)
            .ok()
            .map(|dir| dir.display().to_string()),
        _ => layered.raw(name),
    }
}
