//! Values as people read and edit them: the documents in their strings unpacked, and packed again as Go writes them.

use serde_json::Value;

use crate::net::json::go_json;
use crate::net::key::Key;

/// How deep an unpacked value may be. serde reads 128 levels, and some are around it in an export.
const DEEPEST: usize = 100;

/// The fields of a record that are arrays in strings, and those of their items that are objects in strings.
fn packed_fields(key: &Key) -> &'static [(&'static str, Option<&'static str>)] {
    match key {
        Key::Network(_) => &[
            ("ipamV4Config", None),
            ("ipamV6Config", None),
            ("ipamV4Info", Some("IPAMData")),
            ("ipamV6Info", Some("IPAMData")),
        ],
        Key::Vlan(..) | Key::OldVlan(..) => &[("Ipv4Subnets", None), ("Ipv6Subnets", None)],
        _ => &[],
    }
}

/// The value that a text is, unpacked; `None` where packing it again would not give the very same text.
pub(super) fn unpack(key: &Key, text: &str) -> Option<Value> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    for (field, inner) in packed_fields(key) {
        let Some(field) = value.get_mut(field) else { continue };
        unpack_string(field);
        for item in field.as_array_mut().into_iter().flatten() {
            inner.and_then(|inner| item.get_mut(inner)).map(unpack_string);
        }
    }
    let read_again = || serde_json::from_str(&value.to_string()).ok();
    (depth(&value) <= DEEPEST && read_again().is_some_and(|value| pack(key, value) == text)).then_some(value)
}

/// The text that an unpacked value stands for.
pub(super) fn pack(key: &Key, mut value: Value) -> String {
    for (field, inner) in packed_fields(key) {
        let Some(field) = value.get_mut(field) else { continue };
        for item in field.as_array_mut().into_iter().flatten() {
            inner.and_then(|inner| item.get_mut(inner)).map(pack_string);
        }
        pack_string(field);
    }
    go_json(&value)
}

fn unpack_string(value: &mut Value) {
    let inner = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    if let Some(inner) = inner.filter(is_packed) {
        *value = inner;
    }
}

fn pack_string(value: &mut Value) {
    if is_packed(value) {
        *value = Value::String(go_json(value));
    }
}

/// Whether a value is one of those that are kept in strings.
fn is_packed(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

fn depth(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        _ => None,
    };
    1 + deepest.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> Key {
        Key::Network("n".into())
    }

    #[test]
    fn documents_in_strings_are_unpacked_and_packed_again() {
        let text = r#"{"ipamV4Info":"[{\"PoolID\":\"p\",\"IPAMData\":\"{\\\"Pool\\\":\\\"10.0.0.0/8\\\",\\\"x\\\":\\\"\\\\u003c\\\"}\"}]","labels":null}"#;
        let value = unpack(&network(), text).unwrap();
        assert_eq!(value["ipamV4Info"][0]["IPAMData"]["Pool"], "10.0.0.0/8");
        assert_eq!(value["ipamV4Info"][0]["IPAMData"]["x"], "<");
        assert_eq!(pack(&network(), value), text);
    }

    #[test]
    fn what_would_not_come_back_byte_for_byte_is_not_unpacked() {
        let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        for text in [r#"{ "a":1}"#, r#"{"a":1,"a":2}"#, r#"{"a":1.50}"#, r#"{"a":"\u0061"}"#, r#"{"ipamV4Info":"[ ]"}"#, "{"] {
            assert_eq!(unpack(&network(), text), None, "{text}");
        }
        assert!(unpack(&network(), &deep(50)).is_some());
        assert_eq!(unpack(&network(), &deep(120)), None);
        assert_eq!(unpack(&network(), &deep(100_000)), None);
    }
}
