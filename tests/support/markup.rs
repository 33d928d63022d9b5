//! A reader of markup that takes nothing but well-formed documents: XML, and HTML that is written as XML.

/// An element with everything in it.
#[derive(Debug, Default)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    /// Its own text and that of all elements in it.
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    /// An attribute, or nothing where it has none of the name.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// This one and all in it.
    pub fn everything(&self) -> impl Iterator<Item = &Element> {
        let mut rest = vec![self];
        std::iter::from_fn(move || {
            let next = rest.pop()?;
            rest.extend(next.children.iter().rev());
            Some(next)
        })
    }

    /// All of a name, in the order of the document.
    pub fn all(&self, name: &str) -> Vec<&Element> {
        self.everything().filter(|element| element.name == name).collect()
    }
}

/// Reads a document of one element, with a declaration or document type before it.
pub fn parse(text: &str) -> Result<Element, String> {
    if let Some(bad) = text.chars().find(|c| !is_character(*c)) {
        return Err(format!("character {bad:?}"));
    }
    let (mut open, mut rest) = (vec![Element::default()], text);
    for prefix in ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<!DOCTYPE html>"] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    while !rest.is_empty() {
        let at = |rest: &str| text.len() - rest.len();
        let end = rest.find('<').unwrap_or(rest.len());
        let within = decoded(&rest[..end]).map_err(|e| format!("at {}: {e}", at(rest)))?;
        let here = open.last_mut().expect("the document is always open");
        here.text.push_str(&within);
        rest = &rest[end..];
        let Some(tag) = rest.strip_prefix('<') else { break };
        let end = end_of_tag(tag).ok_or_else(|| format!("at {}: a tag without end", at(rest)))?;
        let (tag, behind) = (&tag[..end], &tag[end + 1..]);
        if let Some(name) = tag.strip_prefix('/') {
            let closed = open.pop().expect("the document is always open");
            let around = open.last_mut().filter(|_| closed.name == name);
            let around = around.ok_or_else(|| format!("at {}: </{name}> closes <{}>", at(rest), closed.name))?;
            around.text.push_str(&closed.text);
            around.children.push(closed);
        } else {
            let (tag, is_empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
            let element = element(tag).map_err(|e| format!("at {}: {e}: <{tag}>", at(rest)))?;
            if is_empty { open.last_mut().expect("open").children.push(element) } else { open.push(element) }
        }
        rest = behind;
    }
    let mut document = open.pop().filter(|_| open.is_empty()).ok_or("elements are left open")?;
    match (document.children.len(), document.children.pop()) {
        (1, Some(root)) => Ok(root),
        (n, _) => Err(format!("{n} outermost elements")),
    }
}

/// What XML allows.
fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// The `>` that is in no attribute.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quoted = false;
    tag.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        (c == '>' && !quoted).then_some(at)
    })
}

fn element(tag: &str) -> Result<Element, String> {
    let (name, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c))
    };
    if !is_name(name) {
        return Err("no name".into());
    }
    let mut element = Element { name: name.into(), ..Element::default() };
    while !rest.trim_start().is_empty() {
        let (attribute, value) = rest.trim_start().split_once("=\"").ok_or("an attribute without value")?;
        let (value, behind) = value.split_once('"').ok_or("a value without end")?;
        let known = element.attributes.iter().any(|(name, _)| name == attribute);
        if !is_name(attribute) || known || value.contains('<') || !(behind.is_empty() || behind.starts_with([' ', '\n'])) {
            return Err(format!("attribute {attribute}"));
        }
        element.attributes.push((attribute.into(), decoded(value)?));
        rest = behind;
    }
    Ok(element)
}

/// Text, its entities resolved.
fn decoded(text: &str) -> Result<String, String> {
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';').ok_or("an & that begins no entity")?;
        out.push_str(match entity {
            "amp" => "&",
            "lt" => "<",
            "gt" => ">",
            "quot" => "\"",
            "#39" => "'",
            other => return Err(format!("entity {other}")),
        });
        out.push_str(rest);
    }
    Ok(out)
}
