"""Bytes and keys in, a verified statement out. No IO; nothing here believes a word before a signature holds."""
