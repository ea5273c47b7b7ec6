//! The fields of a document, and what is a word in it. Another schema is another version of the indexer.

use sps_index_engine::{Leaf, words};
use tantivy::query::{PhrasePrefixQuery, PhraseQuery, Query, RangeQuery, TermQuery};
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use tantivy::{Index, Term};

/// Most words that a beginning at the end of a phrase stands for.
const MOST_ENDINGS: u32 = 1000;
/// Name of the tokenizer.
const WORDS: &str = "words";

/// The fields of a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    /// Its text.
    pub(crate) text: Field,
    /// Identifier of its session.
    pub(crate) session: Field,
    /// Number of its session, for every document at hand.
    pub(crate) number: Field,
    /// Milliseconds since the session began.
    pub(crate) at: Field,
    /// The channel.
    pub(crate) channel: Field,
    /// Number of its source.
    pub(crate) source: Field,
}

/// The name by which numbers are at hand.
pub(crate) const NUMBER: &str = "number";

/// Schema and fields.
pub(crate) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let indexed = |tokenizer, option| {
        TextFieldIndexing::default()
            .set_tokenizer(tokenizer)
            .set_fieldnorms(false)
            .set_index_option(option)
    };
    let text = indexed(WORDS, IndexRecordOption::WithFreqsAndPositions);
    let text = TextOptions::default().set_indexing_options(text).set_stored();
    let session = indexed("raw", IndexRecordOption::Basic);
    let session = TextOptions::default().set_indexing_options(session);
    let fields = Fields {
        text: builder.add_text_field("text", text),
        session: builder.add_text_field("session", session),
        number: builder.add_i64_field(NUMBER, FAST | INDEXED),
        at: builder.add_u64_field("at", STORED),
        channel: builder.add_u64_field("channel", STORED),
        source: builder.add_u64_field("source", STORED),
    };
    (builder.build(), fields)
}

/// Tells the library what is a word.
pub(crate) fn register(index: &Index) {
    index.tokenizers().register(WORDS, Words);
}

/// What is looked for where the words of `leaf` stand.
pub(crate) fn query(fields: Fields, leaf: &Leaf) -> Box<dyn Query> {
    let term = |word: &str| Term::from_field_text(fields.text, word);
    match (&leaf.words[..], leaf.is_prefix) {
        ([word], false) => Box::new(TermQuery::new(term(word), IndexRecordOption::Basic)),
        ([beginning], true) => {
            let first = std::ops::Bound::Included(term(beginning));
            // Behind every word with this beginning.
            let last = std::ops::Bound::Included(term(&format!("{beginning}{}", char::MAX)));
            Box::new(RangeQuery::new(first, last))
        }
        (all, false) => Box::new(PhraseQuery::new(all.iter().map(|word| term(word)).collect())),
        (all, true) => {
            let mut query = PhrasePrefixQuery::new(all.iter().map(|word| term(word)).collect());
            query.set_max_expansions(MOST_ENDINGS);
            Box::new(query)
        }
    }
}

#[derive(Clone, Debug)]
struct Words;

struct Stream<'a> {
    words: Box<dyn Iterator<Item = sps_index_engine::Word> + 'a>,
    token: Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = Stream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream<'a> {
        Stream {
            words: Box::new(words(text)),
            token: Token::default(),
        }
    }
}

impl TokenStream for Stream<'_> {
    fn advance(&mut self) -> bool {
        let Some(word) = self.words.next() else {
            return false;
        };
        self.token = Token {
            offset_from: word.range.start,
            offset_to: word.range.end,
            position: word.position,
            text: word.text,
            position_length: 1,
        };
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
