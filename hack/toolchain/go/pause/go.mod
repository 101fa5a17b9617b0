module orderplane.dev/hack/toolchain/go/pause

go 1.25.0
