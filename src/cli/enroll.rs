//! `booth enroll`: enters a person before they come.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Common, Done, Failure, could_not, input};
use crate::files::small;
use crate::identity::participant::{Identity, Participant, seal_bytes};
use crate::identity::pending::{self, Pending};

/// Enrols a person who will be recorded, and prints their number and withdrawal code
///
/// Reads one JSON object from standard input, or asks on a terminal: `name`, `contact`, any further
/// fields of text, and `answers`, an object. All of it is sealed to the operator.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One JSON object: number, session, code
    #[arg(long)]
    json: bool,
}

/// What was entered about a person.
struct Entered {
    name: String,
    contact: String,
    consent: Value,
    answers: Option<Map<String, Value>>,
    fields: BTreeMap<String, String>,
}

/// Runs `booth enroll`.
///
/// # Errors
/// No recipient, input that is not an identity, or a data folder that cannot be written.
pub fn run(args: &Args, common: &Common) -> Result<Done, Failure> {
    let config = common.config()?;
    let recipients = super::recipients(&config)?;
    let said = if input::is_asked() { ask()? } else { read()? };
    small::folder(&config.data, 0o755)
        .map_err(|error| could_not(format!("data folder {}: {error}", config.data.display())))?;
    super::open_data(&config)?;
    let participant = Participant::draw().map_err(could_not)?;
    let code = participant.code.grouped();
    let answers = said.answers.map(|answers| sealed(&answers, &participant));
    let identity = Identity {
        name: said.name,
        contact: said.contact,
        code: code.to_string(),
        consent: said.consent,
        fields: said.fields,
    };
    let entry = Pending {
        session: participant.session.clone(),
        token: participant.keys.token(&identity).map_err(could_not)?,
        recipient: participant.recipient.to_string(),
        answers: answers.transpose()?,
    };
    let number = pending::enroll(&config.data, &participant, &recipients, &entry);
    let number = number.map_err(could_not)?;
    let session = &participant.session;
    let text = Zeroizing::new(if args.json {
        let code = code.as_str();
        format!(
            "{}\n",
            serde_json::json!({"number": number, "session": session, "code": code})
        )
    } else {
        format!("number  {number}\nsession {session}\ncode    {}\n", *code)
    });
    super::print(&text).map_err(|failure| {
        // The code was not shown, and a second try would enrol the person twice.
        let left = pending::withdraw(&config.data, &number, session);
        match left {
            Ok(()) => could_not(format!("no one is enrolled: {failure}")),
            Err(error) => could_not(format!("{failure}; and of number {number}: {error}")),
        }
    })
}

/// The answers as armoured age, which stock `age` opens.
fn sealed(answers: &Map<String, Value>, participant: &Participant) -> Result<String, Failure> {
    let text = Zeroizing::new(serde_json::to_vec(answers).map_err(could_not)?);
    let recipient = std::slice::from_ref(&participant.recipient);
    let sealed = seal_bytes(&text, recipient).map_err(could_not)?;
    let mut armoured = Vec::new();
    let format = age::armor::Format::AsciiArmor;
    let mut writer =
        age::armor::ArmoredWriter::wrap_output(&mut armoured, format).map_err(could_not)?;
    writer.write_all(&sealed).map_err(could_not)?;
    writer.finish().map_err(could_not)?;
    String::from_utf8(armoured).map_err(could_not)
}

fn refused(reason: impl std::fmt::Display) -> Failure {
    Failure::Usage(format!(
        "standard input: {reason}; expected one JSON object, for example {{\"name\":\"…\",\"contact\":\"…\"}}"
    ))
}

fn read() -> Result<Entered, Failure> {
    let text = input::all()?;
    // The reason may quote what was entered about the person; the place in the text does not.
    let Object(object) = serde_json::from_str(&text).map_err(|error| {
        let reason = if error.is_data() {
            "is no object, or a key stands there twice"
        } else {
            "is no JSON"
        };
        refused(format!("line {}: {reason}", error.line()))
    })?;
    understand(object)
}

/// An object in which no key appears twice: it would be unclear which one was meant.
struct Object(Map<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Object, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut entries: M) -> Result<Object, M::Error> {
                let mut object = Map::new();
                while let Some((key, value)) = entries.next_entry()? {
                    if object.insert(key, value).is_some() {
                        return Err(M::Error::custom("a key stands there twice"));
                    }
                }
                Ok(Object(object))
            }
        }
        from.deserialize_map(Keys)
    }
}

fn understand(object: Map<String, Value>) -> Result<Entered, Failure> {
    let mut said = Entered {
        name: String::new(),
        contact: String::new(),
        consent: Value::Null,
        answers: None,
        fields: BTreeMap::new(),
    };
    for (key, value) in object {
        match (key.as_str(), value) {
            ("name", Value::String(name)) => said.name = name,
            ("contact", Value::String(contact)) => said.contact = contact,
            ("consent", consent @ (Value::String(_) | Value::Object(_) | Value::Null)) => {
                said.consent = consent;
            }
            ("answers", Value::Object(answers)) => said.answers = Some(answers),
            ("answers", Value::Null) => {}
            ("answers" | "consent", _) => return Err(refused(format!("`{key}` is no object"))),
            ("code", _) => return Err(refused("`code` is drawn by the booth")),
            (_, Value::String(text)) => {
                said.fields.insert(key, text);
            }
            _ => return Err(refused(format!("`{key}` is no text"))),
        }
    }
    if said.name.trim().is_empty() {
        return Err(refused("`name` is missing or empty"));
    }
    Ok(said)
}

fn ask() -> Result<Entered, Failure> {
    let mut object = Map::new();
    for key in ["name", "contact"] {
        let text = input::line(key)?;
        object.insert(key.to_owned(), Value::from(text.as_str()));
    }
    loop {
        let field = input::line("further field, such as age=31 (empty: none)")?;
        if field.is_empty() {
            return understand(object);
        }
        let Some((key, text)) = field.split_once('=') else {
            return Err(refused("a further field has the form name=text"));
        };
        let before = object.insert(key.trim().to_owned(), Value::from(text.trim()));
        if before.is_some() {
            return Err(refused(format!("`{}` was said before", key.trim())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(text: &str) -> Result<Entered, Failure> {
        let value: Value = serde_json::from_str(text).expect("JSON");
        understand(value.as_object().expect("an object").clone())
    }

    #[test]
    fn free_fields_are_kept_byte_for_byte() {
        let said = understood(r#"{"name":"Ame\u0301lie","room":" 12 ","answers":{"a":1}}"#);
        let said = said.unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(said.name, "Ame\u{301}lie");
        assert_eq!(said.fields["room"], " 12 ");
        assert!(said.answers.is_some());
    }

    #[test]
    fn what_is_no_identity_is_refused_without_its_content() {
        for text in [
            "{}",
            r#"{"name":""}"#,
            r#"{"name":7}"#,
            r#"{"name":"Zoe","code":"X"}"#,
            r#"{"name":"Zoe","age":31}"#,
            r#"{"name":"Zoe","answers":"Zoe"}"#,
        ] {
            let Err(Failure::Usage(said)) = understood(text) else {
                panic!("{text} was taken");
            };
            assert!(!said.contains("Zoe"), "{said}");
        }
    }
}
