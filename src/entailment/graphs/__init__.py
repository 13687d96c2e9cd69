"""From arrays to ONNX: one file per architecture, no tracing, no exporter, no torch."""
