//! What prefixes mean.

use std::collections::HashMap;
use std::rc::Rc;

use crate::error::Error;

const XML: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The prefixes that are bound, the innermost meaning last. An empty prefix is that of names without one; a meaning that is empty is
/// none.
#[derive(Clone)]
pub struct Namespaces {
    bound: HashMap<Rc<str>, Vec<Rc<str>>>,
    /// Meanings of the empty prefix: most documents have none, and each name without a prefix asks.
    defaults: usize,
    /// What stands between a namespace and a name; nothing may.
    pub separator: Option<char>,
    /// Whether names are given with their prefixes.
    pub triplets: bool,
}

impl Namespaces {
    /// Only what is always bound.
    pub fn new(separator: Option<char>) -> Namespaces {
        let bound = HashMap::from([("xml".into(), vec![XML.into()])]);
        Namespaces { bound, defaults: 0, separator, triplets: false }
    }

    /// What a prefix means.
    pub fn get(&self, prefix: &str) -> Option<Rc<str>> {
        if prefix.is_empty() && self.defaults == 0 {
            return None;
        }
        self.bound.get(prefix)?.last().filter(|u| !u.is_empty()).cloned()
    }

    /// Gives a prefix a meaning.
    pub fn bind(&mut self, prefix: &str, uri: &str) -> Result<Rc<str>, Error> {
        if uri.is_empty() && !prefix.is_empty() {
            return Err(Error::UndeclaringPrefix);
        }
        if prefix == "xmlns" {
            return Err(Error::ReservedPrefixXmlns);
        }
        // What could be taken for the separator of another name, unless URIs have it anyhow.
        if let Some(c) = self.separator
            && !(c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c))
            && uri.contains(c)
        {
            return Err(Error::Syntax);
        }
        match (prefix, uri) {
            ("xml", XML) => {}
            ("xml", _) => return Err(Error::ReservedPrefixXml),
            (_, XML | XMLNS) => return Err(Error::ReservedNamespaceUri),
            _ => {}
        }
        self.defaults += prefix.is_empty() as usize;
        let name =
            self.bound.get_key_value(prefix).map_or_else(|| Rc::from(prefix), |(name, _)| name.clone());
        self.bound.entry(name.clone()).or_default().push(uri.into());
        Ok(name)
    }

    /// Takes the last meaning away.
    pub fn unbind(&mut self, prefix: &str) {
        if let Some(meanings) = self.bound.get_mut(prefix)
            && meanings.pop().is_some()
            && prefix.is_empty()
        {
            self.defaults -= 1;
        }
    }

    /// All that is bound, for [`Namespaces::bind`] in another parser.
    pub fn all(&self) -> Vec<(&str, &str)> {
        let mut all: Vec<(&str, &str)> = self
            .bound
            .iter()
            .filter_map(|(prefix, uris)| Some((&**prefix, &**uris.last()?)))
            .filter(|(_, uri)| !uri.is_empty())
            .collect();
        all.sort_unstable();
        all
    }

    /// A name with its namespace, as it is reported.
    pub fn expanded(&self, uri: &str, local: &str, prefix: &str) -> String {
        let mut out = String::with_capacity(uri.len() + local.len() + 1);
        out.push_str(uri);
        out.extend(self.separator);
        out.push_str(local);
        if self.triplets && !prefix.is_empty() {
            out.extend(self.separator);
            out.push_str(prefix);
        }
        out
    }
}
