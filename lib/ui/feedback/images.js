// Pictures by their address alone: no markup of a user's text is ever read.

const made = (tag, name) => {
  const node = document.createElement(tag);
  node.className = name;
  return node;
};

const pictureOf = (image, data) => {
  const link = made("a", "picture");
  link.href = new URL(image.path, document.baseURI);
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.title = data.opens;
  const picture = made("img", "shown");
  picture.alt = image.alt;
  picture.loading = "lazy";
  picture.width = image.width;
  picture.height = image.height;
  picture.addEventListener("error", () => {
    const gone = made("span", "gone");
    gone.textContent = data.gone;
    link.replaceWith(gone);
  });
  picture.src = link.href;
  link.append(picture);
  return link;
};

export default function ({ data, parentElement }) {
  const place = parentElement.querySelector(".images");
  const paths = data.images.map((image) => image.path).join(" ");
  if (place.dataset.paths === paths) return; // what is there already is not fetched again
  place.dataset.paths = paths;
  place.replaceChildren(...data.images.map((image) => pictureOf(image, data)));
}
