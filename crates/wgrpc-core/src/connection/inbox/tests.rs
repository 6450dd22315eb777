//! Reading, in all sizes.

use tokio::io::AsyncRead;

use super::*;

/// A stream that hands out its bytes in pieces; at an empty one there is nothing for a moment.
struct Pieces(std::collections::VecDeque<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(piece) = self.0.front_mut() else {
            return Poll::Ready(Ok(()));
        };
        if piece.is_empty() {
            self.0.pop_front();
            return Poll::Pending;
        }
        let count = piece.len().min(buf.remaining());
        buf.put_slice(&piece[..count]);
        piece.drain(..count);
        if piece.is_empty() {
            self.0.pop_front();
        }
        Poll::Ready(Ok(()))
    }
}

impl Source for Pieces {}

fn inbox(pieces: impl IntoIterator<Item = Vec<u8>>) -> Inbox {
    Inbox::new(
        Box::new(Pieces(pieces.into_iter().collect())),
        BytesMut::new(),
    )
}

fn fill(inbox: &mut Inbox) -> Fill {
    match inbox.poll_fill(&mut Context::from_waker(std::task::Waker::noop())) {
        Poll::Ready(fill) => fill.unwrap(),
        Poll::Pending => panic!("these streams never make anybody wait"),
    }
}

#[test]
fn what_was_read_before_comes_first() {
    let mut inbox = Inbox::new(Box::new(Pieces([b"cd".to_vec()].into())), b"ab"[..].into());
    assert!(inbox.is_ready());
    assert!(matches!(fill(&mut inbox), Fill::Ready));
    assert_eq!(&inbox.take()[..], b"abcd");
    assert!(matches!(fill(&mut inbox), Fill::End));
}

#[test]
fn a_block_is_not_looked_at_before_the_message_can_be_complete() {
    let mut inbox = inbox([b"1".to_vec(), b"23".to_vec(), b"4".to_vec()]);
    assert!(matches!(fill(&mut inbox), Fill::Ready));
    let block = inbox.take();
    inbox.give_back(block, 3);
    assert!(matches!(fill(&mut inbox), Fill::More));
    assert!(matches!(fill(&mut inbox), Fill::Ready));
    assert_eq!(&inbox.take()[..], b"1234");
}

#[test]
fn a_long_message_is_read_whole_and_nothing_behind_it() {
    let long = vec![7u8; 3 * STEP + 5];
    let mut inbox = inbox([b"head".to_vec(), [&long[..], b"next"].concat()]);
    assert!(matches!(fill(&mut inbox), Fill::Ready));
    let block = inbox.take();
    inbox.give_back(block, long.len());
    loop {
        match fill(&mut inbox) {
            Fill::More => {}
            Fill::Ready => break,
            Fill::End => panic!("the message is there"),
        }
    }
    let block = inbox.take();
    assert_eq!(
        block.len(),
        4 + long.len(),
        "read straight into place, up to its end"
    );
    assert!(matches!(fill(&mut inbox), Fill::Ready));
    assert_eq!(&inbox.take()[..], b"next");
}

#[test]
fn a_long_message_that_follows_another_is_read_into_its_place_from_the_beginning() {
    let message = vec![7; STEP / 2];
    let mut inbox = inbox([message.clone(), Vec::new(), message.clone(), vec![7; 100]]);
    // Their length is known from their first bytes.
    let read = |inbox: &mut Inbox| {
        assert!(matches!(fill(inbox), Fill::Ready));
        let block = inbox.take();
        let (first, missing) = (block.as_ptr(), message.len() - block.len());
        inbox.give_back(block, missing);
        while !inbox.is_ready() {
            fill(inbox);
        }
        let block = inbox.take();
        assert!(block == message);
        (first == block.as_ptr(), block)
    };
    let (_, mut block) = read(&mut inbox);
    bytes::Buf::advance(&mut block, message.len());
    inbox.give_back(block, 1);
    let polled = inbox.poll_fill(&mut Context::from_waker(std::task::Waker::noop()));
    assert!(polled.is_pending());
    assert_eq!(
        inbox.buffer.capacity(),
        0,
        "no room is kept while nothing arrives"
    );
    let (has_stayed, mut block) = read(&mut inbox);
    assert!(has_stayed, "it was moved to make room");
    // What turns out to be short keeps little.
    bytes::Buf::advance(&mut block, message.len());
    inbox.give_back(block, 1);
    assert!(matches!(fill(&mut inbox), Fill::Ready));
    let kept = inbox.take().try_into_mut().unwrap().capacity();
    assert!(kept <= ROOMY * 100, "{kept} bytes are kept for 100");
}

#[test]
fn a_connection_on_which_nothing_arrives_keeps_no_buffer() {
    let mut inbox = inbox([vec![1; 1000]]);
    assert!(matches!(fill(&mut inbox), Fill::Ready));
    let mut block = inbox.take();
    bytes::Buf::advance(&mut block, 1000);
    inbox.give_back(block, 1);
    assert!(inbox.is_empty());
    assert_eq!(inbox.buffer.capacity(), 0);
}
