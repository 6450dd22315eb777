//! Types as the declarations that a Go program would have.

use std::collections::HashSet;

use super::{Ref, Schema, Type};
use crate::types::{Marshaler, Shape};

impl Schema {
    /// The types as Go source: the declarations of the type and of the named types inside it,
    /// each once, with an empty line between two.
    ///
    /// A stream does not tell widths, pointers and the types of packages, so what is an `int32`,
    /// a `*Point` or a `net.IP` at the sender's becomes an `int`, a `Point` and `[]byte`.
    ///
    /// ```
    /// use wgrpc_gob::Schema;
    ///
    /// assert_eq!(Schema::of::<Vec<(i8, f32)>>().to_go(), "\
    /// type _ []struct {
    /// \tF0 int
    /// \tF1 float64
    /// }
    /// ");
    /// ```
    pub fn to_go(&self) -> String {
        let mut declarations = Vec::new();
        let mut known = HashSet::new();
        let mut next: Vec<Type<'_>> = self.root().into_iter().collect();
        while let Some(ty) = next.pop() {
            if !known.insert(ty.index) {
                continue;
            }
            if ty.index == Ref::ROOT || identifier(ty.name()).is_some() {
                declarations.push(ty.to_go());
            }
            next.extend(ty.shape().inner().into_iter().rev().map(|r| ty.inner(r)));
        }
        declarations.join("\n")
    }
}

impl Type<'_> {
    /// The declaration of the type as Go source, which refers to the named types inside it by
    /// their names. An unnamed type is called `_`.
    pub fn to_go(self) -> String {
        let mut out = String::from("type ");
        match identifier(self.name()) {
            Some(name) => out.push_str(&name),
            None => out.push('_'),
        }
        out.push(' ');
        let mut open = vec![self.index];
        put_literal(&mut out, self, &mut open, "");
        if let Shape::Opaque(marshaler) = self.shape() {
            out.push_str(match marshaler {
                Marshaler::Gob => " // a GobEncoder",
                Marshaler::Binary => " // a BinaryMarshaler",
                Marshaler::Text => " // a TextMarshaler",
            });
        }
        out.push('\n');
        out
    }
}

/// Refers to a type: by its name, or as a literal if it has none.
fn put_reference(out: &mut String, ty: Type<'_>, open: &mut Vec<Ref>, indent: &str) {
    if let Some(name) = identifier(ty.name()) {
        out.push_str(&name);
    } else if open.contains(&ty.index) {
        // Without a name it cannot be told in Go that a type contains itself.
        out.push_str("any");
    } else {
        open.push(ty.index);
        put_literal(out, ty, open, indent);
        open.pop();
    }
}

/// What the type is, its own name apart.
fn put_literal(out: &mut String, ty: Type<'_>, open: &mut Vec<Ref>, indent: &str) {
    match ty.shape() {
        Shape::Bool => out.push_str("bool"),
        Shape::Int => out.push_str("int"),
        Shape::Uint => out.push_str("uint"),
        Shape::Float => out.push_str("float64"),
        Shape::Complex => out.push_str("complex128"),
        Shape::Bytes | Shape::Opaque(_) => out.push_str("[]byte"),
        Shape::String => out.push_str("string"),
        Shape::Interface(_) => out.push_str("any"),
        Shape::Slice(elem) => {
            out.push_str("[]");
            put_reference(out, ty.inner(*elem), open, indent);
        }
        Shape::Array(elem, len) => {
            out.push_str(&format!("[{len}]"));
            put_reference(out, ty.inner(*elem), open, indent);
        }
        Shape::Map(key, elem) => {
            out.push_str("map[");
            put_reference(out, ty.inner(*key), open, indent);
            out.push(']');
            put_reference(out, ty.inner(*elem), open, indent);
        }
        Shape::Struct(fields) if fields.is_empty() => out.push_str("struct{}"),
        Shape::Struct(fields) => {
            out.push_str("struct {\n");
            let width = |name: &str| name.chars().count();
            let widest = fields.iter().map(|field| width(&field.name)).max();
            let within = format!("{indent}\t");
            for field in fields {
                let blanks = widest.unwrap_or_default() - width(&field.name) + 1;
                out.push_str(&format!("{within}{}{:blanks$}", field.name, ""));
                put_reference(out, ty.inner(field.ty), open, &within);
                out.push('\n');
            }
            out.push_str(&format!("{indent}}}"));
        }
    }
}

/// The name as a Go identifier; `None` for a type without one, of which Go sends the literal in
/// place of a name: `[]main.Point`, `struct { A int }`.
fn identifier(name: &str) -> Option<String> {
    if name.starts_with("map[") || name.contains(' ') || !name.starts_with(char::is_alphabetic) {
        return None;
    }
    // Pair[string,bool] is the name of a type too.
    let parts = name.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    Some(parts.join("_"))
}

#[cfg(test)]
mod tests {
    use crate::{Builder, Gob, Marshaler, Ref, Schema};

    struct Node;
    impl Gob for Node {
        fn describe(types: &mut Builder) -> Ref {
            let (name, children) = (types.of::<String>(), types.of::<Vec<Option<Box<Self>>>>());
            let when = types.opaque("Time", Marshaler::Gob);
            let pair = types.of::<i64>();
            let pair = types.structure("Pair[int,main.X]", [("First", "first", pair)]);
            let fields = [
                ("Name", "", name),
                ("Children", "", children),
                ("T", "", when),
            ];
            types.structure("Node", fields.into_iter().chain([("P", "", pair)]))
        }
    }

    #[test]
    fn types_are_declared_as_gofmt_would_have_them() {
        let source = "\
type Node struct {
\tName     string
\tChildren []Node
\tT        Time
\tP        Pair_int_main_X
}

type Time []byte // a GobEncoder

type Pair_int_main_X struct {
\tFirst int
}
";
        assert_eq!(Schema::of::<Node>().to_go(), source);
        assert_eq!(Schema::of::<[bool; 2]>().to_go(), "type _ [2]bool\n");
    }

    #[test]
    fn an_unnamed_type_that_contains_itself_has_an_end() {
        struct List;
        impl Gob for List {
            fn describe(types: &mut Builder) -> Ref {
                let elem = types.of::<Self>();
                types.slice(elem)
            }
        }
        assert_eq!(Schema::of::<List>().to_go(), "type _ []any\n");
    }
}
