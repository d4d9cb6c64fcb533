//! Which CSV column holds the group ID.

use super::{error::Fault, malformed::shorten, names, options::Column};

/// Where the ID stands, and whether the header's word for it was merely taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Index of the column, from 0.
    pub(super) index: usize,
    /// The only column's name where it is none of the known ones.
    pub(super) taken: Option<Box<str>>,
}

impl Place {
    fn sure(index: usize) -> Self {
        Self { index, taken: None }
    }
}

/// Every service-made ID begins so (spec section 8), and no column's name does.
const SERVICE_MADE: &str = "@TGS#";

/// Finds the column by the names in the header.
pub(super) fn find(names: &[String], wanted: Option<&Column>) -> Result<Place, Fault> {
    if let Some(id) = names
        .iter()
        .find(|name| name.trim_ascii().starts_with(SERVICE_MADE))
    {
        return Err(Fault::HeaderIsId(shorten(id.as_bytes())));
    }
    match wanted {
        Some(Column::Number(number)) => by_number(number.get(), names.len()),
        Some(Column::Name(wanted)) => {
            let exact = only(names, |name| name == wanted)?;
            let found = match exact {
                Some(index) => Some(index),
                None => only(names, |name| names::alike(name, wanted))?,
            };
            found.map(Place::sure).ok_or_else(|| Fault::NoColumn {
                wanted: Some(wanted.clone()),
                found: names.to_vec(),
            })
        }
        None => match (only(names, names::is_known)?, names) {
            (Some(index), _) => Ok(Place::sure(index)),
            (None, [only]) => only_column(only),
            (None, _) => Err(Fault::NoColumn {
                wanted: None,
                found: names.to_vec(),
            }),
        },
    }
}

/// Finds the column where there is no header.
pub(super) fn place(columns: usize, wanted: Option<&Column>) -> Result<Place, Fault> {
    match wanted {
        Some(Column::Number(number)) => by_number(number.get(), columns),
        Some(Column::Name(name)) => Err(Fault::NameWithoutHeader(shorten(name.as_bytes()).into())),
        None if columns == 1 => Ok(Place::sure(0)),
        None => Err(Fault::NumberNeeded(columns)),
    }
}

fn by_number(wanted: usize, found: usize) -> Result<Place, Fault> {
    if wanted > found {
        return Err(Fault::NoColumnNumber { wanted, found });
    }
    Ok(Place::sure(wanted - 1))
}

/// A one-column file's only column is the one, unless its name shows that it was not divided as it should be.
fn only_column(name: &str) -> Result<Place, Fault> {
    if name.contains([',', ';', '\t', '|', '{']) {
        return Err(Fault::OddHeader(shorten(name.as_bytes())));
    }
    Ok(Place {
        index: 0,
        taken: Some(shorten(name.as_bytes())),
    })
}

/// The only name that fits; several are refused, for nothing tells which of them is meant.
fn only(names: &[String], fits: impl Fn(&str) -> bool) -> Result<Option<usize>, Fault> {
    let found: Vec<usize> = (0..names.len()).filter(|&i| fits(&names[i])).collect();
    match found[..] {
        [] => Ok(None),
        [index] => Ok(Some(index)),
        _ => Err(Fault::SeveralColumns(
            found.iter().map(|&i| names[i].clone()).collect(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(header: &str, column: Option<&str>) -> String {
        let names: Vec<String> = header.split(',').map(str::to_owned).collect();
        let column = column.map(|text| text.parse().unwrap());
        match find(&names, column.as_ref()) {
            Ok(Place { index, taken: None }) => format!("{index}"),
            Ok(Place { index, taken }) => format!("{index} {taken:?}"),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn the_column_is_found_by_name_or_number_or_refused() {
        let table = [
            ("Name,GroupId,Type", None, "1"),
            ("Name,GROUP_ID", None, "1"),
            ("name, Group Id ", None, "1"),
            ("ID", None, "0"),
            ("Rooms", None, r#"0 Some("Rooms")"#),
            (
                "a|b",
                None,
                r#"the header, "a|b", has one column only, and that looks like several or like something else"#,
            ),
            (
                "id,GroupId",
                None,
                r#"more than one column or key could hold the group ID: "id", "GroupId""#,
            ),
            (
                "id,name,id",
                None,
                r#"more than one column or key could hold the group ID: "id", "id""#,
            ),
            (
                "room,name",
                None,
                r#"none is named GroupId, group_id, groupid, group id or id; its columns are "room", "name""#,
            ),
            ("room,name", Some("room"), "0"),
            ("Room,ROOM,room", Some("room"), "2"),
            (
                "Room,ROOM",
                Some("room"),
                r#"more than one column or key could hold the group ID: "Room", "ROOM""#,
            ),
            (
                "id,name",
                Some("GroupId"),
                r#"there is none named "GroupId"; its columns are "id", "name""#,
            ),
            (
                "id",
                Some("GroupId"),
                r#"there is none named "GroupId"; its column is "id""#,
            ),
            ("id,GroupId", Some("2"), "1"),
            (
                "id,GroupId",
                Some("3"),
                "there is no column 3: the first row has 2",
            ),
            (
                "@TGS#1,Public",
                Some("1"),
                r#"the header holds a group ID, "@TGS#1": the file seems to have no header"#,
            ),
        ];
        for (header, column, result) in table {
            assert_eq!(told(header, column), result, "{header} {column:?}");
        }
    }

    #[test]
    fn without_a_header_several_columns_need_a_number() {
        let told = |columns, wanted: Option<&str>| {
            let wanted = wanted.map(|text| text.parse().unwrap());
            place(columns, wanted.as_ref())
                .map(|place| place.index)
                .ok()
        };
        assert_eq!(told(1, None), Some(0));
        assert_eq!(told(3, Some("3")), Some(2));
        assert_eq!(told(3, None), None);
        assert_eq!(told(3, Some("4")), None);
        assert_eq!(told(1, Some("id")), None);
    }
}
