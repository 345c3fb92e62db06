"""The arithmetic and the texts of a transparency log (C2SP tlog-*, RFC 6962). Pure: no files, no clock."""
