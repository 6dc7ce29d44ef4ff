"""What a person does with the reader, in a browser, with real servers: and what is left when it is killed."""
