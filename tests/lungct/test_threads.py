import pytest
import SimpleITK as sitk

from lungct.threads import for_each


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
