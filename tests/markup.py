"""What a browser would make of a page, and contents that try to be more than text."""

from html.parser import HTMLParser

HOSTILE = (
    "<script>document.title='owned'</script>\"'><img src=x onerror=alert(1)>"
    "{{7*7}}{% raw %}&lt;\x1b[2J\u202e\u200b"
)


class Elements(HTMLParser):
    """The elements of a page, `found` with their attributes, and its `texts`."""

    def __init__(self, text):
        super().__init__()
        self.found, self.texts = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def tags(self):
        return {tag for tag, _ in self.found}

    @property
    def text(self):
        return "".join(self.texts)
