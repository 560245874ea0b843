"""Files between their upload and the person's «Ghi»: read and checked by a worker, shown, then written whole."""
