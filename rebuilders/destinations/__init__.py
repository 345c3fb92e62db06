"""Where a node's site is copied to: directories, object storage, and machines that rsync reaches. No key is here."""
