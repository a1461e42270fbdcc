package shape

import "example.com/fidelity/internal/trace"

var _ = trace.Note("shape variable")
