from processing.workers.warm_up import warm_up


def test_it_works() -> None:
    assert warm_up() == 1
