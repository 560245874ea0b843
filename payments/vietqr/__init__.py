"""VietQR payloads: encode, decode, memo, bank registry and rendering; pure."""
