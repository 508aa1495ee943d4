import threading

import pytest
import SimpleITK as sitk

from lungct.threads import for_each, in_order


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(request.param)
    yield request.param
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


@pytest.mark.parametrize("count", [0, 1, 7])
def test_every_piece_is_done_once(threads, count):
    done = []
    for_each(count, done.append)
    assert sorted(done) == list(range(count))


def test_the_first_error_is_raised(threads):
    def work(index):
        if index >= 3:
            raise ValueError(f"piece {index}")

    with pytest.raises(ValueError, match="piece 3"):
        for_each(9, work)


@pytest.mark.parametrize("count", [0, 1, 20])
def test_results_come_in_the_order_of_the_items(threads, count):
    # The first takes longest, as another must be done before it.
    second = threading.Event()

    def work(item):
        if item == 0 and min(threads, count) > 1:
            assert second.wait(10)
        if item == 1:
            second.set()
        return 10 * item

    assert list(in_order(work, range(count))) == [10 * item for item in range(count)]


def test_few_results_wait(threads):
    begun = []
    results = in_order(begun.append, range(100))
    next(results)
    # Two for each thread, and the one that was asked for.
    assert len(begun) <= 2 * threads + 1
    results.close()


def test_an_error_comes_where_its_result_would(threads):
    def work(item):
        if item >= 3:
            raise ValueError(f"item {item}")
        return item

    results = in_order(work, range(9))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="item 3"):
        next(results)
