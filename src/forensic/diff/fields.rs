//! What two values of one record of libnetwork's differ in, field by field.
//!
//! Records are compared as they mean, not as they stand: JSON in strings is unpacked, so one option that changed is one
//! field, however deep it lies.

use serde_json::Value;

use crate::net::Key;
use crate::net::json::Document;
use crate::store::decode;

/// A field that is only in one value, or differs.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// The way to it: `ipamV4Info[0].IPAMData.Gateway`; empty where the values as a whole have nothing in common.
    pub field: String,
    /// What it was.
    pub before: Option<Value>,
    /// What it is.
    pub after: Option<Value>,
}

/// What happened to a record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordChange {
    /// What kind of record it is.
    pub key: Key,
    /// The id of the network that it belongs to, where the key or the record names one.
    pub network: Option<String>,
    /// The name that the record has.
    pub name: Option<String>,
    /// The index of the write that made the older value.
    pub index_before: Option<u64>,
    /// The index of the write that made the newer value.
    pub index_after: Option<u64>,
    /// The older value, unpacked.
    pub before: Option<Value>,
    /// The newer value, unpacked.
    pub after: Option<Value>,
    /// The fields in which they differ, where there are both.
    pub fields: Vec<FieldChange>,
}

impl RecordChange {
    /// Reads a record from a key of Docker's bucket and the values stored there. `None` where the key is none of
    /// libnetwork's, or one of the values is no record.
    ///
    /// ```
    /// use unbolt::forensic::diff::RecordChange;
    /// let (before, after) = (b"\x01\0\0\0\0\0\0\0{\"Count\":2}", b"\x02\0\0\0\0\0\0\0{\"Count\":3}");
    /// let key = b"docker/network/v1.0/endpoint_count/4e47/";
    /// let change = RecordChange::of(key, Some(before), Some(after)).expect("it is a record");
    /// assert_eq!((change.index_before, change.index_after), (Some(1), Some(2)));
    /// assert_eq!(change.fields[0].field, "Count");
    /// ```
    pub fn of(key: &[u8], before: Option<&[u8]>, after: Option<&[u8]>) -> Option<RecordChange> {
        let parsed: Key = std::str::from_utf8(key).ok()?.parse().ok()?;
        let read = |stored: Option<&[u8]>| match stored {
            Some(stored) => {
                decode(key, stored).ok().and_then(|(index, value)| Some(Some((index, Document::parse(value).ok()?))))
            }
            None => Some(None),
        };
        let (before, after) = (read(before)?, read(after)?);
        let newest = after.as_ref().or(before.as_ref()).map(|(_, document)| document);
        let text = |name| newest.and_then(|document| document.root().get(name)?.as_str().map(|text| text.into_owned()));
        let network = parsed.network().map(str::to_owned).or_else(|| text("nid"));
        let name = text("name");
        let ((index_before, before), (index_after, after)) = (parts(&before), parts(&after));
        let mut fields = Vec::new();
        if let (Some(before), Some(after)) = (&before, &after) {
            compare(String::new(), before, after, &mut fields);
        }
        Some(RecordChange { key: parsed, network, name, index_before, index_after, before, after, fields })
    }
}

fn parts(record: &Option<(u64, Document)>) -> (Option<u64>, Option<Value>) {
    match record {
        Some((index, document)) => (Some(*index), Some(document.unpacked())),
        None => (None, None),
    }
}

/// Goes down both values as far as they have the same shape. An unpacked document is at most as deep as it was unpacked.
fn compare(field: String, before: &Value, after: &Value, fields: &mut Vec<FieldChange>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, old) in old {
                let field = member(&field, name);
                match new.get(name) {
                    Some(new) => compare(field, old, new, fields),
                    None => fields.push(FieldChange { field, before: Some(old.clone()), after: None }),
                }
            }
            for (name, new) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
                fields.push(FieldChange { field: member(&field, name), before: None, after: Some(new.clone()) });
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for at in 0..old.len().max(new.len()) {
                let field = format!("{field}[{at}]");
                match (old.get(at), new.get(at)) {
                    (Some(old), Some(new)) => compare(field, old, new, fields),
                    (old, new) => fields.push(FieldChange { field, before: old.cloned(), after: new.cloned() }),
                }
            }
        }
        _ if before == after => {}
        _ => fields.push(FieldChange { field, before: Some(before.clone()), after: Some(after.clone()) }),
    }
}

fn member(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(before: Value, after: Value) -> Vec<(String, Option<Value>, Option<Value>)> {
        let mut fields = Vec::new();
        compare(String::new(), &before, &after, &mut fields);
        fields.into_iter().map(|change| (change.field, change.before, change.after)).collect()
    }

    #[test]
    fn only_what_differs_is_named_however_deep_it_lies() {
        let before = json!({ "a": 1, "gone": true, "pools": [{ "gateway": "10.0.0.1", "range": null }, 7] });
        let after = json!({ "a": 1, "pools": [{ "gateway": "10.0.0.2", "range": null }], "new": "x" });
        assert_eq!(
            changed(before.clone(), after),
            [
                ("gone".into(), Some(json!(true)), None),
                ("pools[0].gateway".into(), Some(json!("10.0.0.1")), Some(json!("10.0.0.2"))),
                ("pools[1]".into(), Some(json!(7)), None),
                ("new".into(), None, Some(json!("x"))),
            ]
        );
        assert_eq!(changed(before.clone(), before), []);
        assert_eq!(changed(json!([]), json!({})), [(String::new(), Some(json!([])), Some(json!({})))]);
    }

    #[test]
    fn an_option_in_json_in_a_string_is_one_field() {
        let key = b"docker/network/v1.0/network/4e47/";
        let value = |index: u8, gateway: &str| {
            let pool = json!([{ "IPAMData": json!({ "Gateway": gateway, "Pool": "10.9.0.0/16" }).to_string() }]).to_string();
            let record = json!({ "name": "blue", "id": "4e47", "ipamV4Info": pool }).to_string();
            [&[index, 0, 0, 0, 0, 0, 0, 0], record.as_bytes()].concat()
        };
        let change = RecordChange::of(key, Some(&value(4, "10.9.0.1/16")), Some(&value(9, "10.9.0.2/16"))).unwrap();
        assert_eq!((change.name.as_deref(), change.network.as_deref()), (Some("blue"), Some("4e47")));
        assert_eq!((change.index_before, change.index_after), (Some(4), Some(9)));
        let [field] = &change.fields[..] else { panic!("{:?}", change.fields) };
        assert_eq!(field.field, "ipamV4Info[0].IPAMData.Gateway");
        assert_eq!((&field.before, &field.after), (&Some(json!("10.9.0.1/16")), &Some(json!("10.9.0.2/16"))));
    }

    #[test]
    fn what_is_no_record_of_libnetworks_has_no_fields() {
        let stored: &[u8] = b"\x01\0\0\0\0\0\0\0{}";
        assert!(RecordChange::of(b"other", Some(stored), None).is_none());
        for bad in [&b"short"[..], b"\x01\0\0\0\0\0\0\0no json"] {
            assert!(RecordChange::of(b"docker/network/v1.0/network/n/", Some(stored), Some(bad)).is_none());
        }
    }
}
