"""Which marketplace category suits a store category: suggested from names and paths, never applied by itself."""

from bridge.domain.categories.index import CategoryTree, category_tree
from bridge.domain.categories.learn import learn_lexicon
from bridge.domain.categories.lexicon import Lexicon, NoLexicon, Vocabulary, WordTable
from bridge.domain.categories.suggest import Mapped, StoreCategory, Suggester, Suggestion
from bridge.domain.categories.text import LANGUAGES, split_path

__all__ = [
    "LANGUAGES",
    "CategoryTree",
    "Lexicon",
    "Mapped",
    "NoLexicon",
    "StoreCategory",
    "Suggester",
    "Suggestion",
    "Vocabulary",
    "WordTable",
    "category_tree",
    "learn_lexicon",
    "split_path",
]
