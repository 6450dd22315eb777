//! One connection's worth of WgRPC: client, server, codecs and transports.
