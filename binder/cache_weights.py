"""Download ImageNet's weights of AlexNet, 233 MB, into the cache that chapters 10 to 14 look into.

Where their host does not answer, the image is built all the same: those chapters then take the weights that come with
the package.
"""

from equibook import alexnet

try:
    alexnet.load("imagenet", progress=False, head=False)
    print("ImageNet's weights of AlexNet are cached.")
except OSError as error:
    print(f"ImageNet's weights of AlexNet are not cached. {error}")
