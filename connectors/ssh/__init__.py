"""What is reached by SSH: files (`sftp`), and the commands that the configuration allows (`command`)."""
