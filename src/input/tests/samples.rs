//! The files in `sample-input/`.
