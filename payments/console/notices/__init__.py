"""The desk's pages of notices: campaigns, texts, texts for classes, addresses, settings."""
