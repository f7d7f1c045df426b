"""The doors: SFTP, OpenPGP, the vault, the database, the files that people outside agree."""
