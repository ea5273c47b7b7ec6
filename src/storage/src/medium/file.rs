//! A file on a medium as a source of bytes: random access through the places of its pieces.

use std::io;

use sps_image::source::{Extent, Source};

/// A file whose pieces lie in a volume.
#[derive(Debug)]
pub struct MediumFile<S> {
    volume: S,
    /// Where each piece begins in the file, and where it lies in the volume; in order.
    pieces: Vec<(u64, Extent)>,
    size: u64,
}

impl<S: Source> MediumFile<S> {
    /// The file with these pieces, in order.
    pub fn new(volume: S, places: Vec<Extent>) -> Self {
        let mut size = 0;
        let mut pieces = Vec::with_capacity(places.len());
        for place in places {
            pieces.push((size, place));
            size += place.size;
        }
        Self { volume, pieces, size }
    }
}

impl<S: Source> Source for MediumFile<S> {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let first = self.pieces.partition_point(|(start, _)| *start <= offset);
        let mut rest = buffer;
        let mut at = offset;
        for (start, place) in self.pieces.iter().skip(first.saturating_sub(1)) {
            if rest.is_empty() {
                break;
            }
            let inside = at - start;
            let take = usize::try_from(place.size - inside).map_or(rest.len(), |left| left.min(rest.len()));
            let (now, later) = rest.split_at_mut(take);
            self.volume.read_at(place.offset + inside, now)?;
            at += take as u64;
            rest = later;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_read_as_one_file() {
        let volume: Vec<u8> = (0..100).collect();
        let places = [(50, 3), (10, 4), (90, 2)].map(|(offset, size)| Extent { offset, size });
        let file = MediumFile::new(volume, places.to_vec());
        let whole = [50, 51, 52, 10, 11, 12, 13, 90, 91];
        assert_eq!(file.size(), 9);
        for from in 0..=9 {
            for to in from..=9 {
                let mut bytes = vec![0; to - from];
                file.read_at(from as u64, &mut bytes).unwrap();
                assert_eq!(bytes, whole[from..to]);
            }
        }
        assert!(file.read_at(8, &mut [0; 2]).is_err());
        assert!(file.read_at(u64::MAX, &mut [0; 2]).is_err());
    }
}
