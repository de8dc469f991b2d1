-- sendoka: 0000_eager_violet
-- parent: none

CREATE TABLE "public"."api_keys" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "tenant_id" varchar(32),
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "created_by" varchar(32),
    "name" text NOT NULL,
    "hint" varchar(12) NOT NULL,
    "hash" bytea NOT NULL,
    "scopes" text[] DEFAULT '{}' NOT NULL,
    "last_used_at" timestamptz,
    "expires_at" timestamptz,
    "revoked_at" timestamptz,
    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "api_keys_hash_key" UNIQUE ("hash"),
    CONSTRAINT "api_keys_hash_check" CHECK (octet_length(hash) = 32)
);
--> statement-breakpoint
CREATE TABLE "public"."audiences" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "tenant_id" varchar(32),
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "updated_at" timestamptz DEFAULT now() NOT NULL,
    "name" text NOT NULL,
    "description" text,
    CONSTRAINT "audiences_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "audiences_org_id_name_key" UNIQUE ("org_id", "name")
);
--> statement-breakpoint
CREATE TABLE "public"."contacts" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "tenant_id" varchar(32),
    "audience_id" varchar(32) NOT NULL,
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "updated_at" timestamptz DEFAULT now() NOT NULL,
    "email" text,
    "phone" text,
    "first_name" text,
    "last_name" text,
    "attributes" jsonb DEFAULT '{}' NOT NULL,
    "unsubscribed_at" timestamptz,
    CONSTRAINT "contacts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "contacts_phone_check" CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
    CONSTRAINT "contacts_reachable_check" CHECK (email is not null or phone is not null)
);
--> statement-breakpoint
CREATE TABLE "public"."domains" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "tenant_id" varchar(32),
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "updated_at" timestamptz DEFAULT now() NOT NULL,
    "name" text NOT NULL,
    "status" text DEFAULT 'pending' NOT NULL,
    "region" text DEFAULT 'eu-central-1' NOT NULL,
    "dkim_selector" text NOT NULL,
    "dkim_public_key" text NOT NULL,
    "return_path" text,
    "track_opens" boolean DEFAULT false NOT NULL,
    "track_clicks" boolean DEFAULT false NOT NULL,
    "checked_at" timestamptz,
    "verified_at" timestamptz,
    CONSTRAINT "domains_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "domains_org_id_name_key" UNIQUE ("org_id", "name"),
    CONSTRAINT "domains_name_check" CHECK (name = lower(name)),
    CONSTRAINT "domains_status_check" CHECK (status in ('pending', 'verified', 'failed', 'disabled'))
);
--> statement-breakpoint
CREATE TABLE "public"."inbound_messages" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "tenant_id" varchar(32),
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "domain_id" varchar(32),
    "in_reply_to" varchar(32),
    "channel" text DEFAULT 'email' NOT NULL,
    "sender" text NOT NULL,
    "recipient" text NOT NULL,
    "subject" text,
    "body" text,
    "headers" jsonb DEFAULT '{}' NOT NULL,
    "size_bytes" integer NOT NULL,
    "spam_score" numeric(5,2),
    "processed_at" timestamptz,
    CONSTRAINT "inbound_messages_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "inbound_messages_channel_check" CHECK (channel in ('email', 'sms', 'whatsapp')),
    CONSTRAINT "inbound_messages_size_bytes_check" CHECK (size_bytes >= 0)
);
--> statement-breakpoint
CREATE TABLE "public"."memberships" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "user_id" varchar(32) NOT NULL,
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "role" text DEFAULT 'member' NOT NULL,
    "invited_by" varchar(32),
    "accepted_at" timestamptz,
    CONSTRAINT "memberships_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "memberships_org_id_user_id_key" UNIQUE ("org_id", "user_id"),
    CONSTRAINT "memberships_role_check" CHECK (role in ('owner', 'admin', 'developer', 'member'))
);
--> statement-breakpoint
CREATE TABLE "public"."messages" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "tenant_id" varchar(32),
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "domain_id" varchar(32),
    "template_id" varchar(32),
    "channel" text DEFAULT 'email' NOT NULL,
    "status" text DEFAULT 'queued' NOT NULL,
    "sender" text NOT NULL,
    "recipient" text NOT NULL,
    "subject" text,
    "body" text,
    "tags" jsonb DEFAULT '{}' NOT NULL,
    "idempotency_key" varchar(128),
    "provider_message_id" text,
    "attempts" integer DEFAULT 0 NOT NULL,
    "last_error" text,
    "scheduled_at" timestamptz,
    "sent_at" timestamptz,
    "delivered_at" timestamptz,
    CONSTRAINT "messages_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "messages_channel_check" CHECK (channel in ('email', 'sms', 'whatsapp', 'push')),
    CONSTRAINT "messages_scheduled_check" CHECK (status <> 'scheduled' or scheduled_at is not null),
    CONSTRAINT "messages_status_check" CHECK (status in ('queued', 'scheduled', 'sending', 'sent', 'delivered', 'bounced', 'complained', 'failed', 'canceled'))
);
--> statement-breakpoint
CREATE TABLE "public"."messaging_pools" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "tenant_id" varchar(32),
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "updated_at" timestamptz DEFAULT now() NOT NULL,
    "name" text NOT NULL,
    "channel" text NOT NULL,
    "senders" text[] DEFAULT '{}' NOT NULL,
    "daily_limit" integer,
    "is_default" boolean DEFAULT false NOT NULL,
    CONSTRAINT "messaging_pools_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "messaging_pools_org_id_name_key" UNIQUE ("org_id", "name"),
    CONSTRAINT "messaging_pools_channel_check" CHECK (channel in ('email', 'sms', 'whatsapp', 'push')),
    CONSTRAINT "messaging_pools_daily_limit_check" CHECK (daily_limit > 0)
);
--> statement-breakpoint
CREATE TABLE "public"."orgs" (
    "id" varchar(32) NOT NULL,
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "updated_at" timestamptz DEFAULT now() NOT NULL,
    "name" text NOT NULL,
    "slug" text NOT NULL,
    "billing_email" text,
    "plan" text DEFAULT 'free' NOT NULL,
    "status" text DEFAULT 'active' NOT NULL,
    "default_tenant_id" varchar(32),
    CONSTRAINT "orgs_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "orgs_slug_key" UNIQUE ("slug"),
    CONSTRAINT "orgs_plan_check" CHECK (plan in ('free', 'pro', 'scale', 'enterprise')),
    CONSTRAINT "orgs_slug_check" CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    CONSTRAINT "orgs_status_check" CHECK (status in ('active', 'suspended', 'closed'))
);
--> statement-breakpoint
CREATE TABLE "public"."suppressions" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "tenant_id" varchar(32),
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "channel" text DEFAULT 'email' NOT NULL,
    "address" text NOT NULL,
    "reason" text NOT NULL,
    "message_id" varchar(32),
    CONSTRAINT "suppressions_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "suppressions_channel_check" CHECK (channel in ('email', 'sms', 'whatsapp', 'push')),
    CONSTRAINT "suppressions_reason_check" CHECK (reason in ('bounce', 'complaint', 'unsubscribe', 'manual'))
);
--> statement-breakpoint
CREATE TABLE "public"."templates" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "tenant_id" varchar(32),
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "updated_at" timestamptz DEFAULT now() NOT NULL,
    "name" text NOT NULL,
    "channel" text DEFAULT 'email' NOT NULL,
    "version" integer DEFAULT 1 NOT NULL,
    "subject" text,
    "body" text NOT NULL,
    "variables" text[] DEFAULT '{}' NOT NULL,
    "published_at" timestamptz,
    CONSTRAINT "templates_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "templates_org_id_name_version_key" UNIQUE ("org_id", "name", "version"),
    CONSTRAINT "templates_channel_check" CHECK (channel in ('email', 'sms', 'whatsapp', 'push')),
    CONSTRAINT "templates_version_check" CHECK (version > 0)
);
--> statement-breakpoint
CREATE TABLE "public"."tenants" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "updated_at" timestamptz DEFAULT now() NOT NULL,
    "name" text NOT NULL,
    "external_id" text,
    "status" text DEFAULT 'active' NOT NULL,
    CONSTRAINT "tenants_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "tenants_org_id_external_id_key" UNIQUE ("org_id", "external_id"),
    CONSTRAINT "tenants_org_id_name_key" UNIQUE ("org_id", "name"),
    CONSTRAINT "tenants_status_check" CHECK (status in ('active', 'paused', 'closed'))
);
--> statement-breakpoint
CREATE TABLE "public"."usage_counters" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "tenant_id" varchar(32),
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "updated_at" timestamptz DEFAULT now() NOT NULL,
    "metric" text NOT NULL,
    "day" date NOT NULL,
    "count" bigint DEFAULT 0 NOT NULL,
    CONSTRAINT "usage_counters_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "usage_counters_count_check" CHECK (count >= 0),
    CONSTRAINT "usage_counters_metric_check" CHECK (metric in ('emails', 'sms', 'whatsapp', 'push', 'inbound', 'webhooks'))
);
--> statement-breakpoint
CREATE TABLE "public"."users" (
    "id" varchar(32) NOT NULL,
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "updated_at" timestamptz DEFAULT now() NOT NULL,
    "email" text NOT NULL,
    "name" text DEFAULT '' NOT NULL,
    "status" text DEFAULT 'active' NOT NULL,
    "email_verified_at" timestamptz,
    "last_seen_at" timestamptz,
    CONSTRAINT "users_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "users_email_check" CHECK (email like '%_@_%'),
    CONSTRAINT "users_status_check" CHECK (status in ('active', 'locked', 'deleted'))
);
--> statement-breakpoint
CREATE TABLE "public"."webhook_deliveries" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "tenant_id" varchar(32),
    "webhook_endpoint_id" varchar(32) NOT NULL,
    "message_id" varchar(32),
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "event" text NOT NULL,
    "payload" jsonb NOT NULL,
    "status" text DEFAULT 'pending' NOT NULL,
    "attempts" integer DEFAULT 0 NOT NULL,
    "response_status" smallint,
    "response_ms" integer,
    "next_attempt_at" timestamptz DEFAULT now(),
    "delivered_at" timestamptz,
    CONSTRAINT "webhook_deliveries_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "webhook_deliveries_attempts_check" CHECK (attempts >= 0),
    CONSTRAINT "webhook_deliveries_response_status_check" CHECK (response_status between 100 and 599),
    CONSTRAINT "webhook_deliveries_status_check" CHECK (status in ('pending', 'delivered', 'failed'))
);
--> statement-breakpoint
CREATE TABLE "public"."webhook_endpoints" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "tenant_id" varchar(32),
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "updated_at" timestamptz DEFAULT now() NOT NULL,
    "url" text NOT NULL,
    "description" text,
    "events" text[] DEFAULT '{}' NOT NULL,
    "secret" text NOT NULL,
    "status" text DEFAULT 'enabled' NOT NULL,
    "failures" integer DEFAULT 0 NOT NULL,
    "disabled_at" timestamptz,
    CONSTRAINT "webhook_endpoints_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "webhook_endpoints_failures_check" CHECK (failures >= 0),
    CONSTRAINT "webhook_endpoints_status_check" CHECK (status in ('enabled', 'disabled')),
    CONSTRAINT "webhook_endpoints_url_check" CHECK (url ~ '^https?://')
);
--> statement-breakpoint
CREATE TABLE "public"."widgets" (
    "id" varchar(32) NOT NULL,
    "org_id" varchar(32) NOT NULL,
    "created_at" timestamptz DEFAULT now() NOT NULL,
    "name" text NOT NULL,
    "status" text DEFAULT 'draft' NOT NULL,
    "config" jsonb NOT NULL,
    CONSTRAINT "widgets_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "widgets_status_check" CHECK (status in ('draft', 'live', 'archived'))
);
--> statement-breakpoint
CREATE INDEX "api_keys_org_id_created_at_id_idx" ON "public"."api_keys" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "api_keys_tenant_id_created_at_id_idx" ON "public"."api_keys" ("tenant_id", "created_at", "id") WHERE tenant_id is not null;
--> statement-breakpoint
CREATE INDEX "audiences_org_id_created_at_id_idx" ON "public"."audiences" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "audiences_tenant_id_created_at_id_idx" ON "public"."audiences" ("tenant_id", "created_at", "id") WHERE tenant_id is not null;
--> statement-breakpoint
CREATE INDEX "contacts_attributes_idx" ON "public"."contacts" USING "gin" ("attributes" jsonb_path_ops);
--> statement-breakpoint
CREATE INDEX "contacts_audience_id_created_at_id_idx" ON "public"."contacts" ("audience_id", "created_at", "id");
--> statement-breakpoint
CREATE UNIQUE INDEX "contacts_email_key" ON "public"."contacts" ("audience_id", (lower(email))) WHERE email IS NOT NULL;
--> statement-breakpoint
CREATE INDEX "contacts_org_id_created_at_id_idx" ON "public"."contacts" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "contacts_tenant_id_created_at_id_idx" ON "public"."contacts" ("tenant_id", "created_at", "id") WHERE tenant_id is not null;
--> statement-breakpoint
CREATE INDEX "domains_org_id_created_at_id_idx" ON "public"."domains" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "domains_tenant_id_created_at_id_idx" ON "public"."domains" ("tenant_id", "created_at", "id") WHERE tenant_id is not null;
--> statement-breakpoint
CREATE UNIQUE INDEX "domains_verified_key" ON "public"."domains" ("name") WHERE status = 'verified';
--> statement-breakpoint
CREATE INDEX "inbound_messages_domain_id_idx" ON "public"."inbound_messages" ("domain_id") WHERE domain_id is not null;
--> statement-breakpoint
CREATE INDEX "inbound_messages_in_reply_to_idx" ON "public"."inbound_messages" ("in_reply_to") WHERE in_reply_to is not null;
--> statement-breakpoint
CREATE INDEX "inbound_messages_org_id_created_at_id_idx" ON "public"."inbound_messages" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "inbound_messages_tenant_id_created_at_id_idx" ON "public"."inbound_messages" ("tenant_id", "created_at", "id") WHERE tenant_id is not null;
--> statement-breakpoint
CREATE INDEX "inbound_messages_unprocessed_idx" ON "public"."inbound_messages" ("created_at") WHERE processed_at is null;
--> statement-breakpoint
CREATE INDEX "memberships_org_id_created_at_id_idx" ON "public"."memberships" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "memberships_user_id_idx" ON "public"."memberships" ("user_id");
--> statement-breakpoint
CREATE INDEX "messages_domain_id_idx" ON "public"."messages" ("domain_id") WHERE domain_id is not null;
--> statement-breakpoint
CREATE INDEX "messages_due_idx" ON "public"."messages" ("scheduled_at") WHERE status = 'scheduled';
--> statement-breakpoint
CREATE UNIQUE INDEX "messages_idempotency_key" ON "public"."messages" ("org_id", "idempotency_key") WHERE idempotency_key is not null;
--> statement-breakpoint
CREATE INDEX "messages_org_id_created_at_id_idx" ON "public"."messages" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "messages_org_id_status_created_at_id_idx" ON "public"."messages" ("org_id", "status", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "messages_provider_message_id_idx" ON "public"."messages" ("provider_message_id") WHERE provider_message_id is not null;
--> statement-breakpoint
CREATE INDEX "messages_template_id_idx" ON "public"."messages" ("template_id") WHERE template_id is not null;
--> statement-breakpoint
CREATE INDEX "messages_tenant_id_created_at_id_idx" ON "public"."messages" ("tenant_id", "created_at", "id") WHERE tenant_id is not null;
--> statement-breakpoint
CREATE UNIQUE INDEX "messaging_pools_default_key" ON "public"."messaging_pools" ("org_id", "channel") WHERE is_default;
--> statement-breakpoint
CREATE INDEX "messaging_pools_org_id_created_at_id_idx" ON "public"."messaging_pools" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "messaging_pools_tenant_id_created_at_id_idx" ON "public"."messaging_pools" ("tenant_id", "created_at", "id") WHERE tenant_id is not null;
--> statement-breakpoint
CREATE UNIQUE INDEX "suppressions_address_key" ON "public"."suppressions" ("org_id", "channel", (lower(address)));
--> statement-breakpoint
CREATE INDEX "suppressions_message_id_idx" ON "public"."suppressions" ("message_id") WHERE message_id is not null;
--> statement-breakpoint
CREATE INDEX "suppressions_org_id_created_at_id_idx" ON "public"."suppressions" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "suppressions_tenant_id_created_at_id_idx" ON "public"."suppressions" ("tenant_id", "created_at", "id") WHERE tenant_id is not null;
--> statement-breakpoint
CREATE INDEX "templates_org_id_created_at_id_idx" ON "public"."templates" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "templates_tenant_id_created_at_id_idx" ON "public"."templates" ("tenant_id", "created_at", "id") WHERE tenant_id is not null;
--> statement-breakpoint
CREATE INDEX "tenants_org_id_created_at_id_idx" ON "public"."tenants" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE UNIQUE INDEX "usage_counters_day_key" ON "public"."usage_counters" ("org_id", "metric", "day", (coalesce(tenant_id, '')));
--> statement-breakpoint
CREATE INDEX "usage_counters_org_id_created_at_id_idx" ON "public"."usage_counters" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "usage_counters_tenant_id_created_at_id_idx" ON "public"."usage_counters" ("tenant_id", "created_at", "id") WHERE tenant_id is not null;
--> statement-breakpoint
CREATE UNIQUE INDEX "users_email_key" ON "public"."users" ((lower(email)));
--> statement-breakpoint
CREATE INDEX "webhook_deliveries_due_idx" ON "public"."webhook_deliveries" ("next_attempt_at") WHERE status = 'pending';
--> statement-breakpoint
CREATE INDEX "webhook_deliveries_message_id_idx" ON "public"."webhook_deliveries" ("message_id") WHERE message_id is not null;
--> statement-breakpoint
CREATE INDEX "webhook_deliveries_org_id_created_at_id_idx" ON "public"."webhook_deliveries" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "webhook_deliveries_tenant_id_created_at_id_idx" ON "public"."webhook_deliveries" ("tenant_id", "created_at", "id") WHERE tenant_id is not null;
--> statement-breakpoint
CREATE INDEX "webhook_deliveries_webhook_endpoint_id_created_at_id_idx" ON "public"."webhook_deliveries" ("webhook_endpoint_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "webhook_endpoints_org_id_created_at_id_idx" ON "public"."webhook_endpoints" ("org_id", "created_at", "id");
--> statement-breakpoint
CREATE INDEX "webhook_endpoints_tenant_id_created_at_id_idx" ON "public"."webhook_endpoints" ("tenant_id", "created_at", "id") WHERE tenant_id is not null;
--> statement-breakpoint
CREATE INDEX "widgets_org_id_created_at_id_idx" ON "public"."widgets" ("org_id", "created_at", "id");
--> statement-breakpoint
ALTER TABLE "public"."api_keys" ADD CONSTRAINT "api_keys_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "public"."users" ("id") ON DELETE SET NULL;
--> statement-breakpoint
ALTER TABLE "public"."api_keys" ADD CONSTRAINT "api_keys_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."api_keys" ADD CONSTRAINT "api_keys_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants" ("id");
--> statement-breakpoint
ALTER TABLE "public"."audiences" ADD CONSTRAINT "audiences_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."audiences" ADD CONSTRAINT "audiences_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants" ("id");
--> statement-breakpoint
ALTER TABLE "public"."contacts" ADD CONSTRAINT "contacts_audience_id_fkey" FOREIGN KEY ("audience_id") REFERENCES "public"."audiences" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."contacts" ADD CONSTRAINT "contacts_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."contacts" ADD CONSTRAINT "contacts_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants" ("id");
--> statement-breakpoint
ALTER TABLE "public"."domains" ADD CONSTRAINT "domains_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."domains" ADD CONSTRAINT "domains_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants" ("id");
--> statement-breakpoint
ALTER TABLE "public"."inbound_messages" ADD CONSTRAINT "inbound_messages_domain_id_fkey" FOREIGN KEY ("domain_id") REFERENCES "public"."domains" ("id") ON DELETE SET NULL;
--> statement-breakpoint
ALTER TABLE "public"."inbound_messages" ADD CONSTRAINT "inbound_messages_in_reply_to_fkey" FOREIGN KEY ("in_reply_to") REFERENCES "public"."messages" ("id") ON DELETE SET NULL;
--> statement-breakpoint
ALTER TABLE "public"."inbound_messages" ADD CONSTRAINT "inbound_messages_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."inbound_messages" ADD CONSTRAINT "inbound_messages_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants" ("id");
--> statement-breakpoint
ALTER TABLE "public"."memberships" ADD CONSTRAINT "memberships_invited_by_fkey" FOREIGN KEY ("invited_by") REFERENCES "public"."users" ("id") ON DELETE SET NULL;
--> statement-breakpoint
ALTER TABLE "public"."memberships" ADD CONSTRAINT "memberships_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."memberships" ADD CONSTRAINT "memberships_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "public"."users" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."messages" ADD CONSTRAINT "messages_domain_id_fkey" FOREIGN KEY ("domain_id") REFERENCES "public"."domains" ("id") ON DELETE SET NULL;
--> statement-breakpoint
ALTER TABLE "public"."messages" ADD CONSTRAINT "messages_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."messages" ADD CONSTRAINT "messages_template_id_fkey" FOREIGN KEY ("template_id") REFERENCES "public"."templates" ("id") ON DELETE SET NULL;
--> statement-breakpoint
ALTER TABLE "public"."messages" ADD CONSTRAINT "messages_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants" ("id");
--> statement-breakpoint
ALTER TABLE "public"."messaging_pools" ADD CONSTRAINT "messaging_pools_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."messaging_pools" ADD CONSTRAINT "messaging_pools_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants" ("id");
--> statement-breakpoint
ALTER TABLE "public"."orgs" ADD CONSTRAINT "orgs_default_tenant_id_fkey" FOREIGN KEY ("default_tenant_id") REFERENCES "public"."tenants" ("id") ON DELETE SET NULL;
--> statement-breakpoint
ALTER TABLE "public"."suppressions" ADD CONSTRAINT "suppressions_message_id_fkey" FOREIGN KEY ("message_id") REFERENCES "public"."messages" ("id") ON DELETE SET NULL;
--> statement-breakpoint
ALTER TABLE "public"."suppressions" ADD CONSTRAINT "suppressions_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."suppressions" ADD CONSTRAINT "suppressions_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants" ("id");
--> statement-breakpoint
ALTER TABLE "public"."templates" ADD CONSTRAINT "templates_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."templates" ADD CONSTRAINT "templates_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants" ("id");
--> statement-breakpoint
ALTER TABLE "public"."tenants" ADD CONSTRAINT "tenants_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."usage_counters" ADD CONSTRAINT "usage_counters_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."usage_counters" ADD CONSTRAINT "usage_counters_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants" ("id");
--> statement-breakpoint
ALTER TABLE "public"."webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_message_id_fkey" FOREIGN KEY ("message_id") REFERENCES "public"."messages" ("id") ON DELETE SET NULL;
--> statement-breakpoint
ALTER TABLE "public"."webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants" ("id");
--> statement-breakpoint
ALTER TABLE "public"."webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_webhook_endpoint_id_fkey" FOREIGN KEY ("webhook_endpoint_id") REFERENCES "public"."webhook_endpoints" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."webhook_endpoints" ADD CONSTRAINT "webhook_endpoints_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
--> statement-breakpoint
ALTER TABLE "public"."webhook_endpoints" ADD CONSTRAINT "webhook_endpoints_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "public"."tenants" ("id");
--> statement-breakpoint
ALTER TABLE "public"."widgets" ADD CONSTRAINT "widgets_org_id_fkey" FOREIGN KEY ("org_id") REFERENCES "public"."orgs" ("id") ON DELETE CASCADE;
