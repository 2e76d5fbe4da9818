"""The book's models, data and trainer, beside our objectives and torch's own numbers."""

import pytest
import torch
from torch import nn

from benchmark import book as d2l
from benchmark.book.data import ImageDataset
from objectives.classification.lenet import LeNet
from objectives.classification.softmax import SoftmaxRegression
from objectives.training.data import Images, Split

CLASSES = 10

pytestmark = pytest.mark.slow


def images(count=50, size=28):
    """Images that a linear layer can tell apart: each class has a bright row of its own."""
    y = torch.arange(count) % CLASSES
    x = torch.zeros(count, 1, size, size)
    x[torch.arange(count), 0, y] = 1.0
    return Images(x=x, y=y)


def mislabelled(count):
    """The same with a wrong label on every third image."""
    right = images(count)
    return Images(x=right.x, y=(right.y + (torch.arange(count) % 3 == 0)) % CLASSES)


class Rows(d2l.DataModule):
    """A data module as a reader writes one, over our images."""

    def __init__(self, batch_size, train=50, val=30):
        super().__init__()
        self.save_hyperparameters()

    def get_dataloader(self, train):
        data = ImageDataset(images(self.train) if train else mislabelled(self.val), (28, 28))
        return torch.utils.data.DataLoader(data, self.batch_size, shuffle=train, collate_fn=list)


@pytest.mark.usefixtures("_own_global_state")
@pytest.mark.parametrize(
    ("model", "objective"),
    [
        (lambda: d2l.LeNet(lr=0.1), LeNet(data="fashion_mnist")),
        (lambda: d2l.SoftmaxRegression(10, lr=0.1), SoftmaxRegression(data="fashion_mnist")),
    ],
)
def test_the_networks_are_those_of_our_objectives(model, objective):
    """After the first batch the book's network has the layers of the objective's, shape by shape."""
    model, some = model(), images(4)
    model.apply_init([some.x], d2l.init_cnn)
    ours = objective.network({}, Split(train=some, valid=some, test=some))
    shapes = [[tuple(weight.shape) for weight in net.parameters()] for net in (model.net, ours)]
    assert shapes[0] == shapes[1]
    assert model(some.x).shape == ours(some.x).shape == (4, CLASSES)


@pytest.mark.usefixtures("_own_global_state")
def test_init_cnn_keeps_to_xaviers_bounds():
    """Weights are uniform within sqrt(6 / (fan in + fan out)); other layers stay as they are."""
    layer, norm = nn.Linear(300, 200), nn.BatchNorm1d(3)
    d2l.init_cnn(layer)
    d2l.init_cnn(norm)
    bound = (6 / 500) ** 0.5
    assert 0.99 * bound < layer.weight.abs().max() <= bound
    assert torch.equal(norm.weight, torch.ones(3))


@pytest.mark.usefixtures("_own_global_state")
def test_the_trainer_is_plain_gradient_descent():
    """One epoch leaves the weights of a loop written by hand, in the same order of batches."""
    data = Rows(batch_size=8)
    torch.manual_seed(3)  # noqa: TID251 (as readers write)
    model = d2l.SoftmaxRegression(num_outputs=CLASSES, lr=0.5)
    model.apply_init([images(2).x])
    by_hand = nn.Sequential(nn.Flatten(), nn.Linear(784, CLASSES))
    by_hand.load_state_dict(model.net.state_dict())

    torch.manual_seed(4)  # noqa: TID251 (as readers write)
    d2l.Trainer(max_epochs=1).fit(model, data)
    torch.manual_seed(4)  # noqa: TID251 (as readers write)
    for x, y in data.train_dataloader():
        loss = nn.functional.cross_entropy(by_hand(x), y)
        gradients = torch.autograd.grad(loss, list(by_hand.parameters()))
        with torch.no_grad():
            for weight, gradient in zip(by_hand.parameters(), gradients, strict=True):
                weight -= 0.5 * gradient

    for ours, theirs in zip(model.net.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.usefixtures("_own_global_state")
@pytest.mark.parametrize("batch_size", [7, 30])
def test_the_validation_error_counts_images(batch_size):
    """It is wrong / total whatever the batches, as a tensor that is called as the book calls it."""
    trainer, data = d2l.HPOTrainer(max_epochs=6, num_gpus=1), Rows(batch_size)
    model = d2l.SoftmaxRegression(num_outputs=CLASSES, lr=5.0)
    trainer.fit(model=model, data=data)
    error = trainer.validation_error()
    assert float(d2l.numpy(error.cpu())) == 10 / 30  # Every third label is wrong.


@pytest.mark.usefixtures("_own_global_state")
def test_the_board_shows_the_training():
    """Losses and accuracy are there by epoch, in a figure that `plt` does not keep."""
    model, open_figures = d2l.SoftmaxRegression(num_outputs=CLASSES, lr=0.5), d2l.plt.get_fignums()
    d2l.Trainer(max_epochs=3, gradient_clip_val=1).fit(model, Rows(batch_size=10))
    assert {label: len(points) for label, points in model.board.data.items()} == {
        "train_loss": 7,  # Every second of 15 batches.
        "val_loss": 3,
        "val_acc": 3,
    }
    assert [x for x, _ in model.board.data["val_loss"]] == [1, 2, 3]
    assert len(model.board.fig.axes[0].lines) == 3
    assert d2l.plt.get_fignums() == open_figures


def test_images_are_cut_and_scaled_a_batch_at_a_time():
    """A loader's batches are the rows asked for; another size is that of torchvision's own resize."""
    from torchvision.transforms.functional import resize

    some = images(6)
    x, y = ImageDataset(some, (28, 28))[3]
    assert torch.equal(x, some.x[3])
    assert y == 3
    rows, labels = ImageDataset(some, (14, 14)).__getitems__([5, 1])
    assert torch.equal(rows, resize(some.x[[5, 1]], [14, 14], antialias=True))
    assert labels.tolist() == [5, 1]


@pytest.mark.usefixtures("_own_global_state")
def test_fashion_mnist_is_divided_as_in_the_book(data_folder, monkeypatch):
    """60 000 images to train on, the 10 000 of the test set to validate on, in batches of the size asked for."""
    monkeypatch.setenv("INCUMBENT_DATA", str(data_folder))
    data = d2l.FashionMNIST(batch_size=256)
    assert (len(data.train), len(data.val)) == (60_000, 10_000)
    x, y = next(iter(data.get_dataloader(False)))
    assert (x.shape, y.shape) == ((256, 1, 28, 28), (256,))
    assert y.dtype == torch.int64
    assert 0 <= x.min() < x.max() <= 1


def test_data_that_is_not_there_is_said(tmp_path, monkeypatch):
    """No other data set takes its place."""
    monkeypatch.setenv("INCUMBENT_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=r"fashion_mnist: not found in .*INCUMBENT_DATA"):
        d2l.FashionMNIST(batch_size=16)
