"use strict";

// Starts Swagger UI. It is a file of its own because the pages allow no script inside the HTML.
{
  const place = document.getElementById("api");
  const token = document.querySelector("meta[name=csrf-token]")?.content;

  // Swagger UI's dark colours hang on a class of the root, ours on an attribute.
  const root = document.documentElement;
  const follow = () => root.classList.toggle("dark-mode", root.dataset.bsTheme === "dark");
  new MutationObserver(follow).observe(root, { attributeFilter: ["data-bs-theme"] });
  follow();

  window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.description,
    presets: [window.SwaggerUIBundle.presets.apis],
    deepLinking: true,
    validatorUrl: null, // would ask another host
    requestInterceptor: (request) => {
      if (token) request.headers["X-CSRF-Token"] = token;
      return request;
    },
  });
}
