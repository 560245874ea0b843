// Starts Swagger UI on the document that the page names; nothing is fetched from another host.
"use strict";
const place = document.getElementById("swagger");
window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  presets: [window.SwaggerUIBundle.presets.apis],
  deepLinking: false,
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.credentials = "same-origin";
    return request;
  },
});
