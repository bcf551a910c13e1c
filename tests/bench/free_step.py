"""What a box needs that records one step of free speech: its protocol, and a visitor who begins it."""


def write(protocol, script, seconds):
    files = {protocol: f'name = "one"\n[[step]]\nname = "free"\nkind = "free"\nseconds = {seconds}\n',
             script: "until attract\n500 go\nuntil intro\n500 go\n"}
    for path, text in files.items():
        with open(path, "w") as file:
            file.write(text)
