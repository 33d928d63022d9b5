//! Owns times as `docker network ls` shows them.

/// What Go makes of a time that is not set.
const NEVER: &str = "0001-01-01 00:00:00 +0000 UTC";

/// A time as Go prints it, of one as Go writes it into JSON. What is no such time stays as it is.
pub fn printed(created: Option<&str>) -> String {
    let Some(created) = created else { return NEVER.into() };
    converted(created).unwrap_or_else(|| created.into())
}

/// `2026-11-22T09:55:03.26+02:00` as `2026-11-22 09:55:03.26 +0200 +0200`.
fn converted(created: &str) -> Option<String> {
    let (day, rest) = created.split_once('T')?;
    if let Some(time) = rest.strip_suffix('Z') {
        return Some(format!("{day} {time} +0000 UTC"));
    }
    let (time, zone) = rest.split_at_checked(rest.rfind(['+', '-'])?)?;
    let zone = zone.replace(':', "");
    Some(format!("{day} {time} {zone} {zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_as_go_prints_them() {
        for (written, expected) in [
            (None, NEVER),
            (Some("2026-11-22T09:55:03.261515458Z"), "2026-11-22 09:55:03.261515458 +0000 UTC"),
            (Some("2026-11-22T09:55:03-03:30"), "2026-11-22 09:55:03 -0330 -0330"),
            (Some("yesterday"), "yesterday"),
            (Some("T"), "T"),
        ] {
            assert_eq!(printed(written), expected);
        }
    }
}
