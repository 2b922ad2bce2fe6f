"use strict";

// Starts Swagger UI. It is a file of its own because the pages allow no script inside the HTML.
{
  const place = document.getElementById("api");
  const token = document.querySelector("meta[name=csrf-token]")?.content;

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
