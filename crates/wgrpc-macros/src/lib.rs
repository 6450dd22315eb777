//! The attributes of WgRPC: service, message and the gob schema derive.
