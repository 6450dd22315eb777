//! gob on a connection: one stream a direction, headers written and read by hand.
//!
//! The header stands before every body and has a fixed type, so it does not go through serde:
//! writing it is a few pushes, reading it follows a plan made once for each type that a peer
//! sends headers as.

use std::borrow::Cow;
use std::sync::Arc;

use wgrpc_gob::wire::{self, Reader};
use wgrpc_gob::{Builder, Gob, Id, Limits, Ref, Scan, Scanner, Schema, Sent, Types};

use super::body::{Body, Stream};
use super::{CodecError, Next};
use crate::header::{Header, Meta};
use crate::protocol::field;

/// Which field of ours a field of the peer's header is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Member {
    ServiceMethod,
    Seq,
    Error,
    Ext,
    Code,
    Meta,
    Method,
}

/// The fields in the order in which we define and send them.
const MEMBERS: [(&str, Member); 7] = [
    (field::SERVICE_METHOD, Member::ServiceMethod),
    (field::SEQ, Member::Seq),
    (field::ERROR, Member::Error),
    (field::EXT, Member::Ext),
    (field::CODE, Member::Code),
    (field::META, Member::Meta),
    (field::METHOD, Member::Method),
];

/// The type of [`Header`], as we define it to peers.
struct HeaderType;

impl Gob for HeaderType {
    fn describe(types: &mut Builder) -> Ref {
        let string = types.string();
        let uint = types.uint();
        let meta = types.map(string, string);
        let fields = MEMBERS.map(|(name, member)| {
            let ty = match member {
                Member::ServiceMethod | Member::Error => string,
                Member::Seq | Member::Ext | Member::Code | Member::Method => uint,
                Member::Meta => meta,
            };
            (name, name, ty)
        });
        types.structure("Header", fields)
    }
}

/// The outgoing stream: which definitions the peer has.
pub(super) struct Sender {
    sent: Sent,
    schema: &'static Schema,
    /// The header type's id, as it stands on the wire.
    id: Vec<u8>,
}

impl Default for Sender {
    fn default() -> Self {
        let schema = Schema::of::<HeaderType>();
        let mut id = Vec::new();
        let number = schema.id().map_or(0, Id::number);
        wire::put_int(&mut id, i64::from(number));
        Self {
            sent: Sent::new(),
            schema,
            id,
        }
    }
}

impl Sender {
    #[inline]
    pub(super) fn begin(&mut self, header: &Header<'_>, types: &super::Types, out: &mut Vec<u8>) {
        self.sent.define(self.schema, out);
        if let Some(schema) = types.fixed {
            self.sent.define(schema, out);
        }
        for schema in types.more.schemas() {
            self.sent.define(schema, out);
        }
        let start = out.len();
        // Nearly every header is shorter than 128 bytes, and its length a single one.
        out.push(0);
        out.extend_from_slice(&self.id);
        let mut fields = Fields { out, next: 0 };
        fields.text(0, &header.service_method);
        fields.uint(1, header.seq);
        fields.text(2, &header.error);
        fields.uint(3, header.ext);
        fields.uint(4, header.code);
        if !header.meta.is_empty() {
            fields.delta(5);
            wire::put_uint(fields.out, header.meta.len() as u64);
            for (key, value) in header.meta.iter() {
                wire::put_bytes(fields.out, key.as_bytes());
                wire::put_bytes(fields.out, value.as_bytes());
            }
        }
        fields.uint(6, header.method);
        out.push(0);
        let len = out.len() - start - 1;
        if len < 0x80 {
            out[start] = len as u8;
        } else {
            let mut prefix = Vec::with_capacity(wire::UINT_MAX_LEN);
            wire::put_uint(&mut prefix, len as u64);
            out.splice(start..=start, prefix);
        }
    }
}

/// Writes a struct's fields, leaving out zeros.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    next: u8,
}

impl Fields<'_> {
    #[inline]
    fn delta(&mut self, number: u8) {
        self.out.push(number + 1 - self.next);
        self.next = number + 1;
    }

    #[inline]
    fn text(&mut self, number: u8, text: &str) {
        if !text.is_empty() {
            self.delta(number);
            wire::put_bytes(self.out, text.as_bytes());
        }
    }

    #[inline]
    fn uint(&mut self, number: u8, value: u64) {
        if value != 0 {
            self.delta(number);
            wire::put_uint(self.out, value);
        }
    }
}

/// The incoming stream: what the peer has defined.
pub(super) struct Receiver {
    scanner: Scanner,
    stream: Arc<Stream>,
    /// For each type that the peer has sent headers as: one, unless it is up to something. Every
    /// plan is kept, for making one takes as long as the type has fields.
    plans: Vec<Plan>,
}

/// How to read a header of one type.
struct Plan {
    id: Id,
    /// By field number: the member, or the type to skip.
    fields: Vec<(Option<Member>, Id)>,
}

impl Receiver {
    pub(super) fn new(limits: Limits) -> Self {
        let scanner = Scanner::new(limits.clone());
        let types = scanner.types().clone();
        Self {
            scanner,
            stream: Arc::new(Stream { types, limits }),
            plans: Vec::new(),
        }
    }

    /// The types that the peer has defined.
    pub(super) fn stream(&self) -> &Arc<Stream> {
        &self.stream
    }

    /// Takes a header of at most `max` bytes from the front of `bytes`.
    #[inline]
    pub(super) fn header<'a>(
        &mut self,
        bytes: &'a [u8],
        max: usize,
        header: &mut Header<'a>,
    ) -> Result<Next, CodecError> {
        let (consumed, id, payload) = match self.scanner.scan(bytes)? {
            // A message may be longer than a header can be, and need not arrive to be refused;
            // definitions before the header are shorter than the limit on them.
            Scan::Partial { consumed, missing } => {
                let len = bytes.len() - consumed + missing;
                if len > max + self.stream.limits.definitions {
                    return Err(too_long(len));
                }
                return Ok(Next::Partial { consumed, missing });
            }
            Scan::Value {
                consumed,
                id,
                payload,
            } => (consumed, id, payload),
        };
        if payload.len() > max {
            return Err(too_long(payload.len()));
        }
        let Cow::Borrowed(payload) = payload else {
            return Err("a header cannot hold values with types of their own".into());
        };
        let known = self.plans.iter().position(|plan| plan.id == id);
        let place = match known {
            Some(place) => place,
            None => {
                self.plans.push(Plan::new(&self.stream.types, id)?);
                self.plans.len() - 1
            }
        };
        let Stream { types, limits } = &*self.stream;
        self.plans[place].read(payload, types, limits, header)?;
        Ok(Next::Whole { consumed })
    }

    /// Takes a body from the front of `bytes`.
    #[inline]
    pub(super) fn body<'a>(
        &mut self,
        bytes: &'a [u8],
        body: &mut Body<'a>,
    ) -> Result<Next, CodecError> {
        Ok(match self.scanner.scan(bytes)? {
            Scan::Partial { consumed, missing } => Next::Partial { consumed, missing },
            Scan::Value {
                consumed,
                id,
                payload,
            } => {
                *body = match payload {
                    Cow::Borrowed(bytes) => Body::borrowed(Some(id), bytes),
                    Cow::Owned(bytes) => Body::owned(Some(id), bytes.into()),
                };
                Next::Whole { consumed }
            }
        })
    }
}

#[cold]
fn too_long(len: usize) -> CodecError {
    format!("a header of {len} bytes is too long").into()
}

impl Plan {
    fn new(types: &Types, id: Id) -> Result<Self, CodecError> {
        let Some(fields) = types.fields(id) else {
            return Err(format!("a header must be a struct, not type {}", id.number()).into());
        };
        let mut known = 0;
        let mut plan = Vec::new();
        for (name, ty) in fields {
            let member = MEMBERS
                .iter()
                .find(|(ours, _)| *ours == name)
                .map(|&(_, m)| m);
            if let Some(member) = member {
                let fits = match member {
                    Member::ServiceMethod | Member::Error => ty == Id::STRING,
                    Member::Seq | Member::Ext | Member::Code | Member::Method => ty == Id::UINT,
                    Member::Meta => types.map(ty) == Some((Id::STRING, Id::STRING)),
                };
                if !fits {
                    return Err(format!("the header field `{name}` is of a wrong type").into());
                }
                known += 1;
            }
            plan.push((member, ty));
        }
        if known == 0 {
            return Err("a header has none of the known fields".into());
        }
        Ok(Self { id, fields: plan })
    }

    #[inline]
    fn read<'a>(
        &self,
        bytes: &'a [u8],
        types: &Types,
        limits: &Limits,
        header: &mut Header<'a>,
    ) -> Result<(), CodecError> {
        let mut reader = Reader::new(bytes);
        *header = Header::default();
        let mut number = 0usize;
        loop {
            let delta = reader.uint()?;
            if delta == 0 {
                return Ok(());
            }
            let field = usize::try_from(delta)
                .ok()
                .and_then(|delta| number.checked_add(delta))
                .and_then(|next| self.fields.get(next - 1).map(|field| (next, *field)));
            let Some((next, (member, ty))) = field else {
                return Err("a header has a field that its type lacks".into());
            };
            number = next;
            match member {
                Some(Member::ServiceMethod) => header.service_method = text(reader.bytes()?)?,
                Some(Member::Error) => {
                    header.error = String::from_utf8_lossy(reader.bytes()?);
                }
                Some(Member::Seq) => header.seq = reader.uint()?,
                Some(Member::Ext) => header.ext = reader.uint()?,
                Some(Member::Code) => header.code = reader.uint()?,
                Some(Member::Method) => header.method = reader.uint()?,
                Some(Member::Meta) => header.meta = Cow::Owned(read_meta(&mut reader)?),
                None => types.skip(ty, &mut reader, limits)?,
            }
        }
    }
}

fn read_meta(reader: &mut Reader<'_>) -> Result<Meta, CodecError> {
    let count = reader.count()?;
    if count > Meta::ENTRIES {
        let most = Meta::ENTRIES;
        return Err(format!("metadata of {count} entries exceeds the limit of {most}").into());
    }
    let mut meta = Meta::new();
    for _ in 0..count {
        let key = text(reader.bytes()?)?.into_owned();
        meta.insert(key, text(reader.bytes()?)?.into_owned());
    }
    Ok(meta)
}

/// A text that borrows from what was read.
fn text(bytes: &[u8]) -> Result<Cow<'_, str>, CodecError> {
    Ok(Cow::Borrowed(std::str::from_utf8(bytes)?))
}
