//! `config`: each setting and where it came from.

use crate::settings::Shown;

/// A line for each setting.
pub(super) fn table(settings: &[Shown]) -> String {
    const NOT_SET: &str = "-";
    // A long value moves its own line, not everybody's.
    const WIDEST: usize = 32;
    let value = |shown: &Shown| shown.value.clone().unwrap_or_else(|| NOT_SET.into());
    let width = |title: &str, texts: Vec<usize>| {
        let widest = texts.into_iter().max().unwrap_or(0);
        widest.max(title.len()).min(WIDEST)
    };
    let length = |text: &str| text.chars().count();
    let names = width(
        "SETTING",
        settings.iter().map(|s| length(&s.name)).collect(),
    );
    let values = width(
        "VALUE",
        settings.iter().map(|s| length(&value(s))).collect(),
    );
    let mut table = format!("{:<names$}  {:<values$}  FROM\n", "SETTING", "VALUE");
    for shown in settings {
        let (name, value, origin) = (&shown.name, value(shown), &shown.origin);
        table.push_str(&format!("{name:<names$}  {value:<values$}  {origin}\n"));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_values_and_origins_stand_below_each_other() {
        let shown = |name: &str, value: Option<&str>, origin: &str| Shown {
            name: name.into(),
            value: value.map(str::to_owned),
            origin: origin.into(),
        };
        let settings = [
            shown("rate", Some("150"), "--rate"),
            shown("secret-key", Some("set"), "DISBAND_BATCH_SECRET_KEY"),
            shown("limit", None, "default"),
        ];
        insta::assert_snapshot!(table(&settings), @r"
        SETTING     VALUE  FROM
        rate        150    --rate
        secret-key  set    DISBAND_BATCH_SECRET_KEY
        limit       -      default
        ");
    }
}
