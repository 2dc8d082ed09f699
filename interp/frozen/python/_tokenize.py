"""The C tokenizer's interface, which Cape does not have."""


class TokenizerIter:
    def __init__(self, readline, *, encoding=None, extra_tokens=False):
        raise NotImplementedError("_tokenize.TokenizerIter is not implemented in Cape")

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration
