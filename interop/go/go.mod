module wgrpc/interop

go 1.19
